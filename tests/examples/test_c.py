"""The C example: built against the wheel's library, and asked for the golden rows."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.device_bundles import TASKS, VARIANTS
from tests.examples.conftest import EXAMPLES

SOURCE = EXAMPLES / "c"
Bundle = Callable[[str], Path]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the example's Makefile with this environment's Python."""
    command = ["make", "--no-print-directory", "-C", str(SOURCE), f"PYTHON={sys.executable}", "RUNS=50", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=os.environ | environment
    )


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the program was built in, with the address and undefined-behaviour sanitizers."""
    for tool in ("cc", "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} on PATH: apt-get install build-essential")
    folder = tmp_path_factory.mktemp("c")
    done = make(f"BUILD={folder}", "CFLAGS=-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all")
    assert done.returncode == 0, done.stderr
    return folder


def program(build: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the program."""
    command = [str(build / "predict"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def rows(build: Path, bundle: Bundle) -> Path:
    """The int8 variant's golden rows of the binary problem as text."""
    command = [sys.executable, str(SOURCE / "make_rows.py"), str(bundle("binary")), "int8"]
    path = build / "int8.txt"
    path.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout, encoding="utf-8")
    return path


@pytest.mark.parametrize("task", TASKS)
def test_golden_rows_of_every_variant_agree(task: str, bundle: Bundle, build: Path) -> None:
    done = make("check", f"BUNDLE={bundle(task)}", f"BUILD={build}")

    assert done.returncode == 0, done.stdout + done.stderr
    agreed = re.findall(r"^golden rows: (\d+) of 16 agree, largest difference (\S+) ", done.stdout, re.MULTILINE)
    # On one machine both runtimes run the same kernels.
    assert agreed == [("16", "0")] * len(VARIANTS)
    assert len(re.findall(r"^latency of one row: median [\d.]+ us", done.stdout, re.MULTILINE)) == len(VARIANTS)


def test_int8_agrees_to_the_last_bit_with_the_kernels_of_another_processor(
    bundle: Bundle, rows: Path, tmp_path: Path
) -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("no valgrind on PATH: apt-get install valgrind")
    made = make(f"BUILD={tmp_path}")
    assert made.returncode == 0, made.stderr
    # Valgrind's processor has neither AVX-512 nor what came with it, so that LiteRT takes other kernels.
    command = ["valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=9"]
    model = bundle("binary") / "int8.ids.tflite"
    done = subprocess.run(
        [*command, str(tmp_path / "predict"), str(model), str(rows), "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "golden rows: 16 of 16 agree, largest difference 0 (0 allowed)" in done.stdout


def test_a_row_that_differs_is_shown_with_both_answers(bundle: Bundle, build: Path, rows: Path, tmp_path: Path) -> None:
    lines = rows.read_text(encoding="utf-8").splitlines()
    lines[-1] = " ".join([*lines[-1].split()[:-1], "0.987654"])
    (tmp_path / "rows.txt").write_text("\n".join(lines), encoding="utf-8")

    done = program(build, bundle("binary") / "int8.ids.tflite", tmp_path / "rows.txt", 5)

    assert done.returncode == 1
    assert re.search(r"^row 16: 0\.\d+ instead of 0\.9876\d+$", done.stdout, re.MULTILINE)
    assert "golden rows: 15 of 16 agree" in done.stdout


def test_wrong_files_are_said_in_a_sentence_and_leak_nothing(
    bundle: Bundle, build: Path, rows: Path, tmp_path: Path
) -> None:
    folder = bundle("binary")
    (tmp_path / "half.txt").write_text(rows.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    (tmp_path / "other.txt").write_text(rows.read_text(encoding="utf-8").replace("soil", "sole"), encoding="utf-8")
    (tmp_path / "bad.tflite").write_bytes(b"no model, and long enough to look into")
    cases = [
        ((), "usage: "),
        ((folder / "int8.ids.tflite", rows, 0), "usage: "),
        ((folder / "int8.ids.tflite", tmp_path / "none.txt"), "none.txt: No such file or directory"),
        ((folder / "int8.ids.tflite", tmp_path / "half.txt"), "half.txt: not a whole file of golden rows"),
        ((folder / "int8.ids.tflite", tmp_path / "other.txt"), "input 'soil': the rows have no such column"),
        ((folder / "int8.tflite", rows), "Use the ids form with batch 1"),
        ((folder / "int8.packed.tflite", rows), "input 'soil': expected one int32 a row"),
        ((tmp_path / "bad.tflite", rows), "LiteRtCreateModelFromFile"),
        ((tmp_path / "none.tflite", rows), "LiteRtCreateModelFromFile"),
    ]
    for arguments, said in cases:
        done = program(build, *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), (arguments, done.stderr)
        assert "Sanitizer" not in done.stderr


def test_a_folder_without_a_bundle_and_an_unknown_variant_are_said(bundle: Bundle, build: Path, tmp_path: Path) -> None:
    none = make("check", f"BUNDLE={tmp_path}", f"BUILD={build}")
    assert "no device bundle there (manifest.json is absent)" in none.stderr
    unknown = make("check", f"BUNDLE={bundle('binary')}", f"BUILD={build}", "VARIANTS=int9")
    assert unknown.returncode != 0
    assert "no variant 'int9' in " in unknown.stderr


def test_a_bundle_below_a_path_with_a_space_is_checked_as_any_other(
    bundle: Bundle, build: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(bundle("binary"), tmp_path / "a b" / "device")

    done = make("check", f"BUNDLE={folder}", f"BUILD={build}")

    assert done.returncode == 0, done.stderr
    assert re.findall(r"^golden rows: (\d+) of 16 agree", done.stdout, re.MULTILINE) == ["16"] * len(VARIANTS)


@pytest.mark.usefixtures("build")
def test_a_library_below_a_path_with_a_space_is_found(tmp_path: Path) -> None:
    (packages := tmp_path / "site packages").mkdir()
    found = importlib.util.find_spec("ai_edge_litert").submodule_search_locations[0]
    (packages / "ai_edge_litert").symlink_to(found)

    done = make(f"BUILD={tmp_path}", PYTHONPATH=str(packages))

    assert done.returncode == 0, done.stderr
    assert str(packages / "ai_edge_litert") in done.stdout


def test_every_variant_of_the_manifest_is_asked_for_its_file(bundle: Bundle, build: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bundle("binary"), tmp_path / "device")
    (folder / "int8.ids.tflite").unlink()

    done = make("check", f"BUNDLE={folder}", f"BUILD={build}")

    assert done.returncode == 2
    assert "LiteRtCreateModelFromFile" in done.stderr


def test_a_check_of_nothing_does_not_pass(bundle_without_variants: Path, build: Path) -> None:
    done = make("check", f"BUNDLE={bundle_without_variants}", f"BUILD={build}")

    said = f"{bundle_without_variants}: the bundle has no variant: none was accepted for this release\n"
    assert done.returncode == 2
    assert done.stderr.startswith(said), done.stderr


def test_rows_as_text_are_the_ids_forms_own(bundle: Bundle, rows: Path) -> None:
    lines = rows.read_text(encoding="utf-8").splitlines()
    golden = json.loads((bundle("binary") / "golden.json").read_text(encoding="utf-8"))

    assert lines[:4] == ["inputs 4", "outputs 1", "rows 16", "tolerance 0"]
    assert lines[4:8] == ["soil int32", "week int32", "rain float32", "area float32"]
    # The first edge row: everything is missing.
    assert lines[8 + 10].split()[:4] == ["0", "7", "nan", "nan"]
    # As float32, which both texts are read as.
    told = np.array([line.split()[-1] for line in lines[8:]], np.float32)
    assert told.tolist() == np.array(golden["expected"]["int8"], np.float32)[:, 0].tolist()
