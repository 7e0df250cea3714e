"""The page in a real browser, offline: predictions, golden rows, narrow screens, and a bundle that is not there."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.forms.string_packing import pack
from edge.runtime.litert_model import DeviceModel
from tests.browser import Visit, browser, opened  # noqa: F401
from tests.device_bundles import TASKS, VARIANTS
from tests.examples.conftest import EXAMPLES, STRINGS

SOURCE = EXAMPLES / "web"
RUNTIME = Path("node_modules/@litertjs/core/wasm")
Bundle = Callable[[str], Path]

MISSING, OTHER = "\0missing", "\0other"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's folder, copied, with LiteRT.js in it."""
    folder = tmp_path_factory.mktemp("web") / "page"
    shutil.copytree(SOURCE, folder)
    if not (folder / RUNTIME).is_dir():
        if shutil.which("npm") is None:
            pytest.skip("LiteRT.js is not installed, and no npm is on PATH: apt-get install npm")
        command = ["npm", "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            pytest.skip(f"npm could not install LiteRT.js: {done.stderr.strip().splitlines()[-1:]}")
    return folder


@contextmanager
def served(web: Path, *arguments: object) -> Iterator[str]:
    """The address of the page while its server runs; Ctrl-C ends it without a word of complaint."""
    command = [sys.executable, str(web / "serve.py"), "--port", "0", "--no-browser", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            lines = [server.stdout.readline() for _ in range(2)]
            yield lines[1].split()[0]
        finally:
            server.send_signal(signal.SIGINT)
            _, complaints = server.communicate(timeout=20)
            assert (server.returncode, "Traceback" in complaints) == (0, False), complaints


@contextmanager
def page(browser: Any, web: Path, folder: Path, **size: int) -> Iterator[Visit]:  # noqa: F811
    """The page of a bundle, ready to predict; at its end nothing must have failed, or been asked of another host."""
    with served(web, "--bundle", folder) as address, opened(browser, address, **size) as visit:
        visit.page.wait_for_selector("body[data-ready]", timeout=60_000)
        yield visit
        assert (visit.errors, visit.console, visit.elsewhere) == ([], [], [])


def settled(visit: Visit) -> Any:
    """The scores that are shown once all that was asked has been answered, a list; None where no model answers."""
    visit.page.wait_for_timeout(150)
    visit.page.wait_for_selector("#answer[aria-busy=false]")
    visit.page.wait_for_function("document.getElementById('latency').textContent !== '…'")
    return json.loads(visit.page.get_attribute("#answer", "data-scores"))


@contextmanager
def ready(browser: Any, web: Path, folder: Path) -> Iterator[Visit]:  # noqa: F811
    """The page of a bundle, which may be a broken one, once it has tried to predict."""
    with served(web, "--bundle", folder) as address, opened(browser, address) as visit:
        visit.page.wait_for_selector("body[data-ready]", timeout=60_000)
        yield visit


@pytest.fixture
def copied(bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle of one test's own, to be spoiled."""
    return Path(shutil.copytree(bundle("binary"), tmp_path / "device"))


def spoil(path: Path, content: bytes | None) -> None:
    """Writes other content into a file, or takes the file away."""
    path.unlink()
    if content is not None:
        path.write_bytes(content)


def expected(folder: Path, variant: str, **row: Any) -> list[float]:
    """What Python's runtime answers to the raw row."""
    soil, week = row.get("soil") or "", row["week"]
    columns = {
        "soil": np.array([soil.encode()], object),
        "week": np.array([week], np.int64),
        **{name: np.array([np.nan if row[name] is None else row[name]], np.float32) for name in ("rain", "area")},
    }
    scores: list[float] = DeviceModel(folder / f"{variant}.tflite").predict(columns)[0].tolist()
    return scores


@pytest.mark.parametrize("task", TASKS)
def test_golden_rows_of_every_variant_and_form_agree(task: str, browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    with page(browser, web, bundle(task)) as visit:
        visit.page.click("#check")
        visit.page.wait_for_selector("#checks[data-done]", state="attached", timeout=120_000)
        lines = visit.page.eval_on_selector_all("#checks tr", "lines => lines.map(line => ({...line.dataset}))")

    assert [(line["variant"], line["form"]) for line in lines] == [
        (name, form) for name in VARIANTS for form in ("packed", "ids")
    ]
    assert {line["agreeing"] for line in lines} == {"16"}
    if task != "regression":
        # Float forms to 1e-6, and integers to the last bit.
        assert {line["largest"] for line in lines if line["variant"] == "int8"} == {"0"}
        assert max(float(line["largest"]) for line in lines if line["variant"].startswith("float")) <= 1e-6


def test_the_prediction_follows_the_form_as_python_would_answer(browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    folder = bundle("binary")
    row: dict[str, Any] = {"soil": "clay", "week": 9, "rain": 3.5, "area": 40}
    changes: list[tuple[dict[str, Any], Callable[[Any], Any]]] = [
        ({}, lambda page: page.focus("#input-rain")),
        ({"soil": "sandy silt"}, lambda page: page.select_option("#input-soil", "sandy silt")),
        ({"week": 12}, lambda page: page.select_option("#input-week", "12")),
        ({"rain": 20.25}, lambda page: page.fill("#input-rain", "20.25")),
        ({"rain": None}, lambda page: page.fill("#input-rain", "")),
        ({"week": 7}, lambda page: page.select_option("#input-week", MISSING)),
        ({"soil": None}, lambda page: page.select_option("#input-soil", MISSING)),
        ({"soil": "moon dust"}, lambda page: fill_other(page, "moon dust")),
        ({"soil": "clay"}, lambda page: fill_other(page, "clay")),
    ]
    with page(browser, web, folder) as visit:
        visit.page.select_option("#variant", "int8")
        visit.page.select_option("#input-soil", "clay")
        visit.page.select_option("#input-week", "9")
        visit.page.fill("#input-rain", "3.5")
        visit.page.fill("#input-area", "40")
        for form in ("packed", "ids"):
            visit.page.select_option("#form", form)
            for change, act in changes:
                row |= change
                act(visit.page)
                assert settled(visit) == expected(folder, "int8", **row), (form, row)
        (share,) = settled(visit)
        side = "at or above" if share >= 0.4 else "below"
        assert visit.page.inner_text("#sentence").lower().endswith(f"{side} the threshold of 40 %")
        assert visit.page.text_content(".dial .share") == f"{100 * share:.0f} %"


def fill_other(page: Any, text: str) -> None:
    """A string that is typed, not chosen."""
    page.select_option("#input-soil", OTHER)
    page.fill("input[aria-label='soil, another value']", text)


def test_strings_are_packed_as_the_files_were_made(browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    with page(browser, web, bundle("binary")) as visit:
        packed = "([texts, count]) => import('./bundle.js').then(({words}) => texts.map((text) => words(text, count)))"
        for count in (1, 2, 4):
            expected = pack([text.encode() for text in STRINGS], count).tolist()
            assert visit.page.evaluate(packed, [list(STRINGS), count]) == expected


def test_a_value_of_the_wrong_kind_is_refused_in_pythons_words(browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    encode = """([form, row]) => import('./bundle.js').then(async ({encodeRow, readBundle}) => {
      const read = await readBundle(new URL('bundle/', document.baseURI).href);
      try {
        return Object.values(encodeRow(read, form, row)).map((array) => array[0]);
      } catch (error) {
        return error.message;
      }
    })"""
    limit = 2**31
    refused_values = {
        "week": ("an integer of 32 bits", [limit, -limit - 1, 2**32 + 5, 2**53, 8.5, "9", True]),
        "rain": ("a number", ["3.5", True]),
        "soil": ("a string", [4, True]),
    }
    with page(browser, web, bundle("binary")) as visit:
        for form in ("packed", "ids"):
            for week in (-limit, -1, 0, limit - 1):
                assert visit.page.evaluate(encode, [form, {"week": week}])[1] == week
            for name, (kind, values) in refused_values.items():
                for value in values:
                    said = f"feature '{name}': expected {kind}, or null where it is missing. Received: "
                    assert visit.page.evaluate(encode, [form, {name: value}]) == said + json.dumps(value)


def test_an_integer_is_shown_with_all_its_digits_and_a_number_with_those_of_a_float32(
    browser: Any,  # noqa: F811
    web: Path,
    bundle: Bundle,
) -> None:
    shown = """() => import('./inputs.js').then(({makeInputs}) => {
      const feature = (name, kind) => [name, {name, kind, minimum: 0, maximum: 30000000, description: '', unit: ''}];
      const features = new Map([feature('day', 'integer'), feature('price', 'number')]);
      const form = document.createElement('form');
      makeInputs(form, {features, vocabulary: {}}, () => {}).show({day: 20131231, price: Math.fround(39.02)});
      return [...form.querySelectorAll('input[type=number]')].map((box) => box.value);
    })"""
    with page(browser, web, bundle("binary")) as visit:
        assert visit.page.evaluate(shown) == ["20131231", "39.02"]


def test_a_golden_row_can_be_laid_into_the_form(browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    folder = bundle("binary")
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    with page(browser, web, folder) as visit:
        visit.page.select_option("#variant", "int8")
        for index in (0, 10, 12, 15):
            visit.page.select_option("#start", str(index))
            np.testing.assert_array_equal(np.float32(settled(visit)), np.float32(golden["expected"]["int8"][index]))


def test_texts_of_the_bundle_are_shown_as_texts(browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    with page(browser, web, bundle("multiclass")) as visit:
        assert visit.page.inner_text("h1") == "What grows here?"
        assert "as the survey <b>names</b> it" in visit.page.inner_text("#inputs")
        shares = visit.page.eval_on_selector_all(".bars .share", "found => found.map(one => parseInt(one.textContent))")
        assert sum(shares) == pytest.approx(100, abs=2)
        assert re.match(r"crop: \w+, with a probability of \d+ %", visit.page.inner_text("#sentence").lower())
        assert "trained on span 3" in visit.page.inner_text("footer")


def test_a_value_has_its_unit_and_a_number_its_own(browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    with page(browser, web, bundle("regression")) as visit:
        assert re.fullmatch(r"-?[\d.,]+ t", visit.page.inner_text("#picture"))
        assert visit.page.inner_text(".field:has(#input-rain) .unit") == "mm"
        assert (visit.page.get_attribute("input[aria-label='rain, by slider']", "max")) == "40"
        manifest = {"task": "regression", "label": "sown_at", "output": {"offset": 1_700_000_000, "unit": "s"}}
        sentence = visit.page.evaluate(
            "manifest => import('/answer.js').then(({sentence}) => sentence(manifest, [3.4]))", manifest
        )
        assert sentence == "sown at: 1,700,000,003 s"


def test_a_phone_shows_all_of_it_and_keeps_the_prediction_in_sight(browser: Any, web: Path, bundle: Bundle) -> None:  # noqa: F811
    with page(browser, web, bundle("binary"), width=360, height=700) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert visit.page.is_hidden("#strip")
        visit.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        visit.page.wait_for_selector("#strip", state="visible")
        assert visit.page.inner_text("#strip") == visit.page.inner_text("#sentence")


def test_a_bundle_that_is_gone_is_said_on_the_page(browser: Any, web: Path, copied: Path) -> None:  # noqa: F811
    with served(web, "--bundle", copied) as address:
        (copied / "golden.json").unlink()
        with opened(browser, address) as visit:
            visit.page.wait_for_selector("#problem", state="visible")
            assert re.search(
                r"No device bundle here: .*/bundle/golden\.json answered 404", visit.page.inner_text("#problem")
            )
            assert visit.errors == []


def test_a_bundle_without_an_accepted_variant_says_so(browser: Any, web: Path, bundle_without_variants: Path) -> None:  # noqa: F811
    with served(web, "--bundle", bundle_without_variants) as address, opened(browser, address) as visit:
        visit.page.wait_for_selector("#problem", state="visible")
        said = "The bundle has no variant: none was accepted for this release."
        assert visit.page.inner_text("#problem") == said
        assert (visit.errors, visit.console) == ([], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"float32\.packed\.tflite answered 404, though the manifest names it\.$"),
        (b"not a model", "^Something failed: "),
    ],
)
def test_a_variant_that_does_not_open_has_no_answer_of_another(
    content: bytes | None,
    said: str,
    browser: Any,  # noqa: F811
    web: Path,
    copied: Path,
) -> None:
    spoil(copied / "float32.packed.tflite", content)
    with ready(browser, web, copied) as visit:
        visit.page.select_option("#variant", "int8")
        visit.page.select_option("#start", "0")
        before = settled(visit)
        assert before
        assert visit.page.is_hidden("#problem")

        visit.page.select_option("#variant", "float32")
        assert settled(visit) is None
        visit.page.select_option("#start", "1")
        assert settled(visit) is None
        assert re.search(said, visit.page.inner_text("#problem"))
        assert visit.page.inner_text("#picture") == ""
        assert visit.page.inner_text("#sentence") == "No prediction"
        assert visit.page.inner_text("#latency") == "not known"

        visit.page.select_option("#start", "0")
        visit.page.select_option("#variant", "int8")
        assert settled(visit) == before
        assert visit.page.is_hidden("#problem")
        assert visit.errors == []


def test_where_the_first_variant_does_not_open_another_can_be_chosen(
    browser: Any,  # noqa: F811
    web: Path,
    copied: Path,
) -> None:
    variants = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))["variants"]
    smallest = min(variants, key=lambda variant: variant["bytes"])["name"]
    spoil(copied / f"{smallest}.packed.tflite", None)
    with ready(browser, web, copied) as visit:
        assert settled(visit) is None
        said = f"{smallest}.packed.tflite answered 404, though the manifest names it."
        assert visit.page.inner_text("#problem").endswith(said)
        visit.page.select_option("#form", "ids")
        assert len(settled(visit)) == 1
        assert visit.page.is_hidden("#problem")
        assert visit.errors == []


def test_a_row_that_is_refused_has_no_answer_of_another(
    browser: Any,  # noqa: F811
    web: Path,
    copied: Path,
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
    # So wide a domain has a field to type in.
    manifest["features"][1]["maximum"] = 2**33
    (copied / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with page(browser, web, copied) as visit:
        visit.page.fill("#input-week", "9")
        before = settled(visit)
        visit.page.fill("#input-week", str(2**32 + 9))
        assert settled(visit) is None
        assert visit.page.inner_text("#problem") == (
            "feature 'week': expected an integer of 32 bits, or null where it is missing. Received: 4294967305"
        )
        visit.page.select_option("#form", "ids")
        visit.page.fill("#input-week", "9")
        assert settled(visit) == before
        assert visit.page.is_hidden("#problem")
        assert re.fullmatch(r"[\d.]+ (µs|ms)", visit.page.inner_text("#latency"))


def test_a_variant_that_is_chosen_while_a_prediction_waits_answers_itself(
    browser: Any,  # noqa: F811
    web: Path,
    bundle: Bundle,
) -> None:
    change = """() => {
      for (const [id, value] of [['input-rain', '20.25'], ['variant', 'float16'], ['variant', 'float32']]) {
        const control = document.getElementById(id);
        control.value = value;
        control.dispatchEvent(new Event(control.tagName === 'SELECT' ? 'change' : 'input'));
      }
      return document.getElementById('answer').getAttribute('aria-busy');
    }"""
    row: dict[str, Any] = {"soil": "clay", "week": 9, "rain": 20.25, "area": 40}
    with page(browser, web, bundle("binary")) as visit:
        visit.page.select_option("#variant", "int8")
        visit.page.select_option("#input-soil", "clay")
        visit.page.select_option("#input-week", "9")
        visit.page.fill("#input-area", "40")
        settled(visit)
        assert visit.page.get_attribute("#answer", "aria-busy") == "false"
        assert visit.page.evaluate(change) == "true"
        assert settled(visit) == pytest.approx(expected(bundle("binary"), "float32", **row), abs=1e-6)


def test_the_current_release_is_served_or_asked_for(web: Path, bundle: Bundle, tmp_path: Path) -> None:
    release(tmp_path, "wet_fields", bundle("binary"))
    with served(web, "--output", tmp_path) as address:
        assert address.startswith("http://127.0.0.1:")
    release(tmp_path, "crops", bundle("multiclass"))
    assert "models of several problems are released: --problem crops or wet_fields" in refused(web, tmp_path)
    assert "no device bundle of 'other'. Released: crops, wet_fields" in refused(web, tmp_path, "--problem", "other")
    with served(web, "--output", tmp_path, "--problem", "crops") as address:
        assert address.startswith("http://127.0.0.1:")


def test_nothing_released_no_runtime_and_a_taken_port_are_said(web: Path, bundle: Bundle, tmp_path: Path) -> None:
    assert "no device bundle was released there. First: make run" in refused(web, tmp_path)
    assert "no device bundle there (manifest.json is absent)" in refused(web, tmp_path, "--bundle", tmp_path)
    alone = shutil.copytree(web, tmp_path / "alone", ignore=shutil.ignore_patterns("node_modules"))
    assert "LiteRT.js is not installed there. First: npm ci" in refused(alone, tmp_path, "--bundle", bundle("binary"))
    with served(web, "--bundle", bundle("binary")) as address:
        port = address.rstrip("/").rpartition(":")[2]
        assert f"port {port}: " in refused(web, tmp_path, "--bundle", bundle("binary"), "--port", port)


def test_nothing_but_the_page_and_the_bundle_is_served(
    browser: Any,  # noqa: F811
    web: Path,
    bundle: Bundle,
) -> None:
    with served(web, "--bundle", bundle("binary")) as address, opened(browser, address) as visit:
        ask = "address => fetch(address).then(answer => answer.status)"
        asked = ["bundle/..%2f..%2fmanifest.json", "bundle/", "node_modules/", "..%2f..%2fetc/passwd"]
        assert [visit.page.evaluate(ask, address + path) for path in asked] == [200, 404, 404, 404]


def release(output: Path, problem: str, bundle: Path) -> None:
    """Lays the bundle out as a push would."""
    version = output / "pushed" / problem / "1700000000"
    shutil.copytree(bundle, version / "device")
    (version.parent / "current").symlink_to(version.name)


def refused(web: Path, output: Path, *arguments: object) -> str:
    """What the server says as it refuses to start."""
    command = [sys.executable, str(web / "serve.py"), "--output", str(output), "--no-browser", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    return done.stderr
