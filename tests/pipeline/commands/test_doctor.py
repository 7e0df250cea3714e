import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline.commands import doctor
from pipeline.commands.doctor import Finding, Mark

ROOT = Path(__file__).resolve().parents[3]
MEND = "make sync"


def finding(mark: Mark) -> Finding:
    return Finding("disk", mark, "1 GB free", "5 GB free", "du -xh")


@pytest.mark.parametrize(
    ("version", "mark"),
    [((3, 11, 0), Mark.OK), ((3, 11, 9), Mark.OK), ((3, 10, 13), Mark.FAIL), ((3, 12, 1), Mark.FAIL)],
)
def test_only_python_3_11_fits(version, mark):
    assert doctor.check_python(version).mark is mark


def test_a_wrong_python_is_named_with_what_is_right_and_the_line_that_mends_it():
    found = doctor.check_python((3, 12, 1))

    assert (found.found, found.expected) == ("3.12.1", "Python 3.11")
    assert found.mend.startswith("sudo apt-get install -y python3.11 ")


@pytest.mark.parametrize(
    ("system", "machine", "mark"),
    [
        ("Linux", "x86_64", Mark.OK),
        ("Linux", "aarch64", Mark.FAIL),
        ("Darwin", "x86_64", Mark.FAIL),
        ("Darwin", "arm64", Mark.FAIL),
    ],
)
def test_only_linux_on_x86_64_fits(system, machine, mark):
    assert doctor.check_platform(system, machine).mark is mark


@pytest.mark.parametrize(
    ("library", "version", "mark"),
    [
        ("glibc", "2.31", Mark.OK),
        ("glibc", "2.36", Mark.OK),
        ("glibc", "3.0", Mark.OK),
        ("glibc", "2.30", Mark.FAIL),
        ("glibc", "2.9", Mark.FAIL),
        ("", "", Mark.FAIL),
    ],
)
def test_glibc_versions_compare_as_numbers(library, version, mark):
    assert doctor.check_glibc(library, version).mark is mark


def test_a_c_library_that_is_not_glibc_is_called_so():
    assert doctor.check_glibc("", "").found == "not glibc"


def test_a_processor_needs_avx():
    assert doctor.check_cpu(["sse4_2", "avx", "avx2"]).mark is Mark.OK
    assert doctor.check_cpu(["sse4_2"]).mark is Mark.FAIL


def test_cpu_flags_are_those_of_the_first_processor():
    assert doctor.parse_cpu_flags("processor\t: 0\nflags\t\t: fpu avx\n\nprocessor\t: 1\nflags\t: fpu\n") == [
        "fpu",
        "avx",
    ]
    assert doctor.parse_cpu_flags("") == []


def test_pins_are_read_past_markers_hashes_and_comments():
    text = (
        "# This file was exported.\n"
        "absl-py==1.4.0 ; platform_machine == 'x86_64' \\\n"
        "    --hash=sha256:0d3f\n"
        "Keyrings.Google_Auth==1.1.2 \\\n"
        "numpy==2.4.1\n"
    )

    assert doctor.parse_pins(text) == {"absl-py": "1.4.0", "keyrings-google-auth": "1.1.2", "numpy": "2.4.1"}


def test_packages_as_pinned_fit_whatever_else_is_installed():
    found = doctor.check_packages({"numpy": "2.4.1"}, {"numpy": "2.4.1", "torch": "2.9"}, MEND)

    assert (found.mark, found.found) == (Mark.OK, "1 of 1 as locked")


def test_a_missing_and_a_different_package_are_both_named_with_the_locked_version():
    found = doctor.check_packages(
        {"numpy": "2.4.1", "tfx": "1.21.0", "six": "1.17.0"}, {"numpy": "1.26.4", "six": "1.17.0"}, MEND
    )

    assert found.mark is Mark.FAIL
    assert found.found == "2 of 3 not as locked: numpy 1.26.4 (locked 2.4.1), tfx missing (locked 1.21.0)"
    assert found.mend == MEND


def test_only_the_first_mismatches_are_listed():
    found = doctor.check_packages(dict.fromkeys("abcde", "1"), {}, MEND)

    assert found.found.endswith("c missing (locked 1) and 2 more")


def test_no_pins_at_all_is_a_failure():
    assert doctor.check_packages({}, {"numpy": "2.4.1"}, MEND).mark is Mark.FAIL


def test_a_missing_optional_package_warns_and_says_what_needs_it():
    wanted = ["pytest", "ruff"]
    missing = doctor.check_group("dev", wanted, {"ruff": "0.9"}, "make test")

    assert doctor.check_group("dev", wanted, {"ruff": "0.9", "pytest": "9"}, "make test").mark is Mark.OK
    assert (missing.mark, missing.found, missing.expected) == (Mark.WARN, "missing: pytest", "needed by make test")


def test_a_group_is_read_by_name_without_versions():
    pyproject = '[dependency-groups]\ndev = ["pytest>=8.3", "types-PyYAML", {include-group = "lint"}]\n'

    assert doctor.parse_group(pyproject, "dev") == ["pytest", "types-pyyaml"]
    assert doctor.parse_group(pyproject, "docs") == []


@pytest.mark.parametrize(
    ("compiled", "mark", "text"),
    [
        ({"tfx": True}, Mark.OK, "compiled"),
        ({}, Mark.OK, "nothing installed yet"),
        ({"tfx": False, "tensorflow": True}, Mark.WARN, "not compiled: tfx"),
    ],
)
def test_missing_bytecode_warns(compiled, mark, text):
    found = doctor.check_bytecode(compiled, "/site packages")

    assert (found.mark, found.found) == (mark, text)
    assert mark is Mark.OK or found.mend == "python -m compileall -q -j 0 '/site packages'"


def test_bytecode_is_looked_for_beside_the_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    for package in ("with_bytecode", "without_bytecode"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    cache = tmp_path / "with_bytecode" / "__pycache__"
    cache.mkdir()
    (cache / f"__init__.{sys.implementation.cache_tag}.pyc").write_bytes(b"")

    found = doctor.have_bytecode(["with_bytecode", "without_bytecode", "not_installed"])

    assert found == {"with_bytecode": True, "without_bytecode": False}


def test_little_disk_warns():
    assert doctor.check_disk(5 * 10**9, "/x").mark is Mark.OK
    assert doctor.check_disk(5 * 10**9 - 1, "/x").mark is Mark.WARN


def test_the_size_of_the_machine_is_noted():
    assert doctor.note_size(2, 25 * 10**9).found == "2 cores, 25 GB of memory"


def test_subjects_are_aligned_and_only_what_does_not_fit_is_explained():
    text = doctor.render([Finding("python", Mark.OK, "3.11.7"), finding(Mark.FAIL)], color=False)

    assert text.splitlines() == [
        "ok    python  3.11.7",
        "FAIL  disk    1 GB free",
        "              expected: 5 GB free",
        "              mend it:  du -xh",
        "",
        "1 of 2 checks failed.",
    ]


def test_color_marks_and_does_not_move_the_columns():
    plain = doctor.render([finding(Mark.WARN)], color=False)
    colored = doctor.render([finding(Mark.WARN)], color=True)

    assert "\033[33mwarn\033[0m" in colored
    assert re.sub(r"\033\[[\d;]*m", "", colored) == plain


@pytest.mark.parametrize(
    ("marks", "code"), [([Mark.OK], 0), ([Mark.OK, Mark.WARN], 0), ([Mark.WARN, Mark.FAIL, Mark.OK], 2)]
)
def test_only_a_failure_exits_2(marks, code):
    assert doctor.exit_code([finding(mark) for mark in marks]) == code


def test_it_runs_where_nothing_is_installed_and_says_so():
    # -S and -I leave the standard library alone on the path, as on a machine before the first `make`.
    imported = "from pipeline.commands import doctor"
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {imported}; sys.exit(doctor.main([]))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "")
    assert re.search(r"^FAIL  packages +(\d+) of \1 not as locked: ", done.stdout, re.MULTILINE)
    assert "\033" not in done.stdout


def test_help_and_a_flag_that_there_is_not_check_nothing(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "examine", lambda _: pytest.fail("the checks were run"))

    with pytest.raises(SystemExit, match="0"):
        doctor.main(["--help"])
    assert "Says what does not fit on this machine" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        doctor.main(["--nope"])
    assert "unrecognized arguments: --nope" in capsys.readouterr().err


def test_the_python_it_asks_for_is_the_project_s():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["requires-python"] == f"=={doctor.PYTHON[0]}.{doctor.PYTHON[1]}.*"


def test_the_exported_requirements_are_the_lock_s():
    locked = {p["name"]: p["version"] for p in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    pins = doctor.parse_pins((ROOT / "requirements.txt").read_text())

    assert "tfx" in pins
    assert {name: locked.get(name) for name in pins} == pins, "run: make requirements"
