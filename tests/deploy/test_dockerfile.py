"""What the Dockerfile repeats of other files, it repeats truly."""

import re
import tomllib
from importlib import metadata
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.deploy.builder import BASE, DOCKERFILE, ROOT

TEXT = DOCKERFILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def groups() -> dict[str, list[str]]:
    """Requirements of each group of dependencies."""
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "dependency-groups"
    ]
    return found


@pytest.fixture(scope="module")
def locked() -> dict[str, Any]:
    """Version of each locked package."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages}


def test_it_has_the_makefiles_uv() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    assert re.findall(r"uv==(\S+)", TEXT) == [version]


def test_both_its_images_are_the_one_that_tests_stand_in_for() -> None:
    named = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    assert [name for name in named if ":" in name] == [BASE.removeprefix("docker.io/library/")] * 2


def test_no_source_is_copied_before_the_environment_is_made() -> None:
    """Or each edit would install everything anew."""
    (environment,) = re.findall(r"^FROM \S+ AS environment\n(.*?)^FROM ", TEXT, re.MULTILINE | re.DOTALL)
    assert "uv sync" in environment
    assert re.findall(r"^(?:COPY|ADD) .*$", environment, re.MULTILINE) == ["COPY pyproject.toml uv.lock ./"]


def test_the_project_is_the_last_layer_of_files() -> None:
    (final,) = re.findall(r"^FROM \S+\n(.*)\Z", TEXT, re.MULTILINE | re.DOTALL)
    assert re.findall(r"^(COPY|ADD|RUN) (.*)$", final, re.MULTILINE)[-2:] == [
        ("COPY", "--from=environment /opt/pipeline /opt/pipeline"),
        ("COPY", "--from=project /opt/project /opt/pipeline"),
    ]


def test_what_it_leaves_out_is_in_the_lock(locked: dict[str, Any]) -> None:
    """A name that uv does not know it passes over in silence."""
    left_out = re.findall(r"--no-install-package ([a-z0-9-]+)", TEXT)
    assert "tensorflow" in left_out
    assert set(left_out) <= set(locked)


def test_tensorflow_without_nvidia_is_of_the_same_version(locked: dict[str, Any]) -> None:
    assert locked["tensorflow-cpu"] == locked["tensorflow"]


def test_the_cuda_group_is_what_tensorflow_asks_for_with_cuda(groups: dict[str, list[str]]) -> None:
    asked = [Requirement(line) for line in metadata.requires("tensorflow") or []]
    cuda = [one for one in asked if one.marker and one.marker.evaluate({"extra": "and-cuda"})]
    cuda = [one for one in cuda if not one.marker.evaluate({"extra": ""})]  # type: ignore[union-attr]
    assert cuda
    named = {one.name: one.specifier for one in map(Requirement, groups["cuda"])}
    # `<13` and `<13.0` are one version, spelt in two ways.
    assert {name: normal(str(specifier)) for name, specifier in named.items()} == {
        one.name: normal(str(one.specifier)) for one in cuda
    }


def normal(specifier: str) -> list[str]:
    """The parts of a specifier, without zeros that say nothing."""
    return sorted(part.removesuffix(".0") for part in specifier.split(","))
