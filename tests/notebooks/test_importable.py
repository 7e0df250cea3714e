"""The project is imported wherever a kernel's folder is, once the environment's rule has run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an empty environment, which a stand-in for uv leaves as it is."""
    folder = tmp_path / "a project"
    folder.mkdir()
    for name in ("Makefile", "uv.lock"):
        shutil.copy2(ROOT / name, folder / name)
    for name in ("reports", "schema"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\n", encoding="utf-8")
    uv.chmod(0o755)
    return folder


def make(project: Path, target: str) -> "subprocess.CompletedProcess[str]":
    path = f"{project.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHON"))}
    command = ["make", "--no-print-directory", target]
    return subprocess.run(
        command, cwd=project, env={**environment, "PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", ["sync", ".venv/.synced"])
def test_a_synced_environment_imports_the_project_from_any_folder(project: Path, target: str) -> None:
    done = make(project, target)
    assert done.returncode == 0, done.stderr

    found = subprocess.run(
        [str(project / ".venv/bin/python"), "-c", "import reports; print(reports.__file__)"],
        cwd=project.parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(project / "reports" / "__init__.py")


def test_pages_of_notebooks_without_a_run_are_refused_with_what_to_do(project: Path) -> None:
    done = make(project, "notebook-html")

    assert done.returncode == 2
    assert "no run in output/ to look at: make run" in done.stderr
