"""What is loaded by what: each in a process of its own, which lists its modules when it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.process.import_blocker import CLOUD_CLIENTS
from pipeline.stages.source_fingerprint import PACKAGES
from tests.crops import PROBLEMS, write_crops

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = sorted(f"schema.{path.stem}" for path in (ROOT / "schema").glob("[!_]*.py"))
LARGE = ("tensorflow", "keras", "tf_keras", "tfx", "tfx_bsl", "apache_beam", "ml_metadata")
# TFX's public door, and what only it leads to: every client of Google's AI platform.
CLOUD = (*CLOUD_CLIENTS, "kfp", "tfx.v1")

LISTING = """
import atexit, json, pathlib, sys
report = pathlib.Path(sys.argv.pop())
atexit.register(lambda: report.write_text(json.dumps(sorted(sys.modules))))
"""


def loaded_by(source: str, folder: Path) -> set[str]:
    """Names of the modules that a process has loaded when it comes to the end of `source` without a fault."""
    report = folder / "modules.json"
    command = [sys.executable, "-c", LISTING + source, str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(report.read_text(encoding="utf-8")))


def below(modules: set[str], packages: tuple[str, ...]) -> list[str]:
    """The modules that are one of these packages or part of one; google.cloud itself is there in every process."""
    beginnings = tuple(f"{package}." for package in packages)
    return sorted(name for name in modules if f"{name}.".startswith(beginnings) and name != "google.cloud")


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags that name a small problem and its data."""
    data = write_crops(tmp_path_factory.mktemp("crops"), range(2019, 2020))
    return ["--problem", str(PROBLEMS / "crops"), "--data", str(data)]


@pytest.fixture(scope="module")
def by_a_run(flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Modules of a run of one node: it takes the whole graph, its compiler, the metadata store and the launcher."""
    folder = tmp_path_factory.mktemp("run")
    arguments = [*flags, "--output", str(folder / "output"), "--only", "ImportSchemaGen"]
    return loaded_by(f"import run_local; sys.exit(run_local.main({arguments}))", folder)


@pytest.mark.parametrize("flag", ["--help", "--dry-run"])
def test_a_command_that_runs_no_node_loads_neither_tensorflow_nor_tfx(
    flag: str, flags: list[str], tmp_path: Path
) -> None:
    loaded = loaded_by(f"import run_local; sys.exit(run_local.main({[*flags, flag]}))", tmp_path)

    assert "run_local" in loaded
    assert below(loaded, LARGE) == []


def test_to_list_the_releases_loads_neither_tensorflow_nor_tfx(tmp_path: Path) -> None:
    arguments = ["list", "--output", str(tmp_path)]
    loaded = loaded_by(f"from pipeline.commands import release; sys.exit(release.main({arguments}))", tmp_path)

    assert "components.release.release_store" in loaded
    assert below(loaded, LARGE) == []


@pytest.mark.parametrize("arguments", [["list"], ["show", "1"], ["diff", "1", "1"]])
def test_to_look_at_runs_loads_neither_tensorflow_nor_tfx(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "runs" / "20130101T120000-000000").mkdir(parents=True)
    given = [*arguments, "--output", str(tmp_path)]
    loaded = loaded_by(f"from pipeline.commands import runs; sys.exit(runs.main({given}))", tmp_path)

    assert "reports.runs.stored_runs" in loaded
    assert below(loaded, LARGE) == []


def test_to_prune_loads_the_metadata_store_s_client_and_neither_tensorflow_nor_tfx(tmp_path: Path) -> None:
    arguments = ["prune", "--keep", "1", "--output", str(tmp_path)]
    loaded = loaded_by(f"from pipeline.commands import runs; sys.exit(runs.main({arguments}))", tmp_path)

    assert {name.partition(".")[0] for name in below(loaded, LARGE)} == {"ml_metadata"}


EARLY = (
    "pipeline.config.pipeline_config",
    "pipeline.commands.doctor",
    "pipeline.kubeflow.container_entrypoint",
    "pipeline.kubeflow.compatibility_checks",
    "reports.terminal.summary",
)


@pytest.mark.parametrize("module", [*SCHEMA, *EARLY])
def test_what_is_known_before_a_run_is_known_without_tensorflow_and_tfx(module: str, tmp_path: Path) -> None:
    loaded = loaded_by(f"import {module}", tmp_path)

    assert module in loaded
    assert below(loaded, LARGE) == []


def test_a_local_run_loads_no_client_of_a_cloud(by_a_run: set[str]) -> None:
    assert below(by_a_run, CLOUD) == []


def test_a_local_run_has_all_else_that_nodes_are_made_of(by_a_run: set[str]) -> None:
    assert {"tensorflow", "apache_beam", "tfx.components", "tfx.orchestration.portable.launcher"} <= by_a_run


def test_the_clients_that_are_kept_out_are_those_that_the_graph_would_load(tmp_path: Path) -> None:
    """So that the list is no longer than it need be, and what is said of a run above is not true of anything."""
    loaded = loaded_by("import pipeline.graph, pipeline.local.runner", tmp_path)

    assert [client for client in CLOUD_CLIENTS if not below(loaded, (client,))] == []


def test_no_source_goes_through_the_door_behind_which_the_clients_are() -> None:
    """Nor do those that the graph names by a dotted path, and that are only loaded when their node runs."""
    sources = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    doors = ("from tfx import v1", "import tfx.v1", "from tfx.v1")

    assert ROOT / "models" / "entrypoints" / "tuner.py" in sources
    assert [str(path) for path in sources if any(door in path.read_text(encoding="utf-8") for door in doors)] == []
