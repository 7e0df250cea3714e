"""Small graphs of function components, for a runner to run."""
# ruff: noqa: ARG001, N802 (an input may be there to be waited for; a node is named like a class)

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import (
    BeamComponentParameter,
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.types.standard_artifacts import Examples, Model

from pipeline.metadata.namespace import Place
from schema.errors import InputError
from tests.pipeline.beam_probe import tell_process

PATIENCE_SECONDS = 20


@tfx.dsl.components.component
def Source(examples: OutputArtifact[Examples], text: Parameter[str]) -> None:
    write(examples, text)


@tfx.dsl.components.component
def Step(
    examples: InputArtifact[Examples], model: OutputArtifact[Model], meet: Parameter[str], name: Parameter[str]
) -> None:
    """Leaves its name in the folder `meet`, if there is one, and waits until another has left its own."""
    if meet:
        (Path(meet) / name).touch()
        wait_for(lambda: len(list(Path(meet).iterdir())) > 1, f"{name} ran alone")
    write(model, name)


@tfx.dsl.components.component
def Failing(examples: InputArtifact[Examples], model: OutputArtifact[Model], meet: Parameter[str]) -> None:
    """Fails once another node has begun."""
    write(model, "half")
    wait_for(lambda: any(Path(meet).iterdir()), "no other node began")
    (Path(meet) / "failing").touch()
    raise InputError("rows.csv:3: a sentence")


@tfx.dsl.components.component
def Holding(examples: InputArtifact[Examples], model: OutputArtifact[Model], meet: Parameter[str]) -> None:
    """Waits for a child process that would take minutes, and tells its id."""
    write(model, "half")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    (Path(meet) / f"child-{child.pid}").touch()
    child.wait()


@tfx.dsl.components.component
def Ending(examples: InputArtifact[Examples], model: OutputArtifact[Model], armed: Parameter[str]) -> None:
    """Kills the processes of the group that the file `armed` names, if it is there, and removes it."""
    write(model, "whole")
    if Path(armed).exists():
        os.killpg(int(Path(armed).read_text(encoding="utf-8")), signal.SIGKILL)
        Path(armed).unlink()


@tfx.dsl.components.component
def Computing(examples: InputArtifact[Examples], model: OutputArtifact[Model], meet: Parameter[str]) -> None:
    """Computes for minutes."""
    write(model, "half")
    (Path(meet) / "computing").touch()
    until = time.monotonic() + 300
    while time.monotonic() < until:
        sum(range(1000))


@tfx.dsl.components.component(use_beam=True)
def Spread(
    examples: InputArtifact[Examples],
    model: OutputArtifact[Model],
    again: Parameter[int] = 0,
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Lets Beam's workers tell their process ids; another `again` is another node for the cache."""
    Path(model.uri).mkdir(parents=True, exist_ok=True)
    with beam_pipeline as pipeline:
        _ = pipeline | beam.Create(range(4)) | beam.Map(tell_process, model.uri)


def write(artifact: Any, text: str) -> None:
    Path(artifact.uri).mkdir(parents=True, exist_ok=True)
    (Path(artifact.uri) / "content").write_text(text, encoding="utf-8")


def wait_for(seen: Any, otherwise: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
    until = time.monotonic() + patience_seconds
    while not seen():
        if time.monotonic() > until:
            raise TimeoutError(otherwise)
        time.sleep(0.01)


def pipeline(folder: Path, nodes: list[Any], place: Place | None = None) -> Any:
    """The pipeline of these nodes, with its artifacts and metadata in the folder, or kept in that place."""
    kept = place or Place(
        "small",
        str(folder / "artifacts"),
        tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite")),
    )
    return tfx.dsl.Pipeline(
        pipeline_name=kept.name,
        pipeline_root=kept.root,
        components=nodes,
        enable_cache=True,
        metadata_connection_config=kept.connection,
        beam_pipeline_args=[
            "--runner=apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner",
            "--sdk_container_image=none",
        ],
    )
