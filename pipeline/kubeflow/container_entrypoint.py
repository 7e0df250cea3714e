"""What a node's container runs: TFX's executor, on arguments that it understands and paths that it can open.

Open-source Kubeflow's launcher and Vertex AI's both replace `{{$}}` by the execution as JSON. From there to TFX's
`kubeflow_v2_run_executor` some things are lost, and TFX is not patched for them:

- The launcher of open-source Kubeflow leaves out the type of each input artifact. It stands in the component's inputs.
- The driver adds an output `executor-logs` of a type that TFX does not know.
- Artifacts have URIs, of which TensorFlow here opens none. Both launchers have the files below a local folder.
- An input that the producer left empty has no files, and is left out: an Evaluator then has no baseline.
- Nobody runs the driver of a file-based ExampleGen, so there would be no span and no fingerprint.
- TFX writes null where a property has no value, which the launcher refuses.

It loads neither TensorFlow nor TFX; the executor is a process of its own.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schema.errors import InputError

# Where the launchers have the files of a scheme.
FOLDERS = {"gs": "/gcs", "s3": "/s3", "minio": "/minio"}
LOGS = "executor-logs"
EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"

# TFX writes the value of such an artifact into a file; for all others it expects a folder.
_VALUES = ("tfx.Boolean", "tfx.Float", "tfx.Integer", "tfx.JsonValue", "tfx.String")

_SHOWN_CHARACTERS = 200

Json = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Runs the node; returns the exit code of its executor, or 2 for what is no execution."""
    chosen, others = _options().parse_known_args(arguments)
    try:
        return _main(chosen, others)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _main(chosen: argparse.Namespace, others: list[str]) -> int:
    specified = read_object("--json_serialized_inputs_spec_args", chosen.json_serialized_inputs_spec_args)
    given = read_object("--json_serialized_invocation_args", chosen.json_serialized_invocation_args)
    if not given.get("outputs", {}).get("outputFile"):
        raise InputError(
            "--json_serialized_invocation_args: expected outputs.outputFile, the file that the launcher reads. "
            f"Received: {_shown(json.dumps(given))}"
        )
    remote = {local_path(artifact["uri"]): artifact["uri"] for artifact in _artifacts(given, "outputs")}
    execution = localized(with_types(without_logs(given), specified))
    for name in absent_inputs(execution):
        sys.stderr.write(f"input '{name}' has no files, so the node runs without it\n")
        del execution["inputs"]["artifacts"][name]
    _make_folders(execution)
    file = Path(execution["outputs"]["outputFile"])
    if chosen.driver:
        code = _run(chosen.driver, _flags(chosen, execution))
        if code:
            return code
        execution = with_driven(execution, json.loads(file.read_text(encoding="utf-8")))
    code = _run(EXECUTOR, ["--executor_class_path", chosen.executor_class_path, *_flags(chosen, execution), *others])
    if file.is_file():
        written = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(delivered(written, remote)), encoding="utf-8")
    return code


def read_object(flag: str, text: str) -> Json:
    """What a flag says as JSON.

    Raises:
        InputError: if it is no JSON object, such as a placeholder that nobody has replaced.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{flag}: expected a JSON object; {error}. Received: {_shown(text)}") from None
    if not isinstance(found, dict):
        raise InputError(f"{flag}: expected a JSON object. Received: {_shown(text)}")
    return found


def local_path(uri: str) -> str:
    """Where the launcher has the files of a URI; a path stays one.

    Raises:
        InputError: for a scheme of which that is not known.
    """
    scheme, found, rest = uri.partition("://")
    if not found:
        return uri
    if scheme not in FOLDERS:
        raise InputError(f"{uri}: expected a path or one of {', '.join(f'{name}://' for name in FOLDERS)}")
    return f"{FOLDERS[scheme]}/{rest}"


def without_logs(execution: Json) -> Json:
    """The execution without the output for logs that the driver adds."""
    outputs = {name: found for name, found in _named(execution, "outputs").items() if name != LOGS}
    return {**execution, "outputs": {**execution.get("outputs", {}), "artifacts": outputs}}


def with_types(execution: Json, specified: Json) -> Json:
    """The execution with the types of its inputs as the component declares them.

    Raises:
        InputError: for an input that it does not declare.
    """
    types = {name: artifact["artifactType"] for name, artifact in specified.get("artifacts", {}).items()}
    for name in _named(execution, "inputs"):
        if name not in types:
            raise InputError(f"input '{name}': expected one of {sorted(types)}, which the component declares")
    inputs = {
        name: {"artifacts": [{**artifact, "type": types[name]} for artifact in found.get("artifacts", [])]}
        for name, found in _named(execution, "inputs").items()
    }
    return {**execution, "inputs": {**execution.get("inputs", {}), "artifacts": inputs}}


def localized(execution: Json) -> Json:
    """The execution with paths in place of URIs."""
    moved = {
        side: {
            **execution.get(side, {}),
            "artifacts": {
                name: {"artifacts": [{**one, "uri": local_path(one["uri"])} for one in found.get("artifacts", [])]}
                for name, found in _named(execution, side).items()
            },
        }
        for side in ("inputs", "outputs")
    }
    moved["outputs"]["outputFile"] = local_path(execution["outputs"]["outputFile"])
    return {**execution, **moved}


def absent_inputs(execution: Json) -> list[str]:
    """Names of the inputs of which no artifact has files."""
    return [
        name
        for name, found in _named(execution, "inputs").items()
        if not any(Path(artifact["uri"]).exists() for artifact in found["artifacts"])
    ]


def with_driven(execution: Json, driven: Json) -> Json:
    """The execution with what a driver found of its outputs; what it found of parameters, the executor reads itself."""
    found = {name: (made.get("artifacts") or [{}])[0] for name, made in driven.get("artifacts", {}).items()}
    outputs = {
        name: {
            "artifacts": [
                {**artifact, "metadata": {**artifact.get("metadata", {}), **found.get(name, {}).get("metadata", {})}}
                for artifact in made["artifacts"]
            ]
        }
        for name, made in _named(execution, "outputs").items()
    }
    return {**execution, "outputs": {**execution["outputs"], "artifacts": outputs}}


def delivered(written: Json, remote: Mapping[str, str]) -> Json:
    """An executor's output with URIs in place of paths, and without properties that have no value."""
    artifacts = {
        name: {"artifacts": [_delivered(artifact, remote) for artifact in made.get("artifacts", [])]}
        for name, made in written.get("artifacts", {}).items()
    }
    return {**written, "artifacts": artifacts}


def _delivered(artifact: Json, remote: Mapping[str, str]) -> Json:
    metadata = {name: value for name, value in artifact.get("metadata", {}).items() if value is not None}
    return {**artifact, "uri": remote.get(artifact["uri"], artifact["uri"]), "metadata": metadata}


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")


def _named(execution: Json, side: str) -> Json:
    found: Json = execution.get(side, {}).get("artifacts", {})
    return found


def _artifacts(execution: Json, side: str) -> list[Json]:
    return [artifact for found in _named(execution, side).values() for artifact in found.get("artifacts", [])]


def _make_folders(execution: Json) -> None:
    """Makes what TFX's own launcher makes: a folder for each output, or the one around it for a value."""
    for artifact in _artifacts(execution, "outputs"):
        path = Path(artifact["uri"])
        told = artifact.get("type", {}).get("instanceSchema", "")
        value = any(f"title: {name}\n" in f"{told}\n" for name in _VALUES)
        (path.parent if value else path).mkdir(parents=True, exist_ok=True)
    Path(execution["outputs"]["outputFile"]).parent.mkdir(parents=True, exist_ok=True)


def _flags(chosen: argparse.Namespace, execution: Json) -> list[str]:
    return [
        "--json_serialized_invocation_args",
        json.dumps(execution),
        "--json_serialized_inputs_spec_args",
        chosen.json_serialized_inputs_spec_args,
    ]


def _run(module: str, flags: list[str]) -> int:
    with subprocess.Popen([sys.executable, "-m", module, *flags]) as child:
        # An evicted pod is told to end; the executor is to hear of it.
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        code = child.wait()
    # As a shell tells it: 128 and the number of the signal.
    return 128 - code if code < 0 else code


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.kubeflow.container_entrypoint", allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True, help="dotted path of the executor's class")
    parser.add_argument("--json_serialized_invocation_args", required=True, help="the execution")
    parser.add_argument("--json_serialized_inputs_spec_args", required=True, help="the component's declared inputs")
    parser.add_argument("--driver", help="module that is run before the executor, with the same execution")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
