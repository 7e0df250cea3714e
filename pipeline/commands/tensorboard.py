"""TensorBoard on an output folder's trainings: `python -m pipeline tensorboard`."""

import argparse
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.commands.input_profile import input_lines
from reports.runs.output_folder import DEFAULT_OUTPUT, existing_output
from schema.errors import InputError, PipelineError
from schema.failure import ended

# By the artifacts of a run.json: where in the artifact TensorBoard reads, and what is added to the run's id.
_TRAINING = "Trainer.model_run"
_SEARCH = "Tuner.tuner_results"
_FINE_TUNING = "FineTuner.model_run"
_LOGS = {_TRAINING: (".", ""), _SEARCH: ("logs", " trials"), _FINE_TUNING: (".", " fine-tuning")}
_REFRESH_SECONDS = 10
_LARGEST_PORT = 65535


@dataclass(frozen=True)
class Trainings:
    """What of an output folder can be shown.

    folders: by the name that a person sees, such as "20261124T193644-815995", or the same with " trials" or
        " fine-tuning".
    unnamed: runs whose run.json does not name its artifacts, which it did not always do.
    lost: trainings whose folder is gone.
    """

    folders: dict[str, Path]
    unnamed: int = 0
    lost: int = 0

    def notes(self) -> list[str]:
        """A sentence on each kind of run that is not shown."""
        return [
            *([f"not shown: {self.unnamed} of runs/, whose run.json names no artifacts"] if self.unnamed else []),
            *([f"not shown: {self.lost} trainings, whose folders are gone"] if self.lost else []),
        ]


def find_trainings(output: Path) -> Trainings:
    """The trainings, searches and fine-tunings of the runs below `output`, each under the first run that names it.

    Raises:
        InputError: if there is nothing to show.
    """
    seen, unnamed = dict[Path, str](), 0
    for record in sorted((output / "runs").glob("*/run.json")):
        if record.parent.is_symlink():  # runs/latest
            continue
        artifacts = _read(record).get("artifacts")
        if artifacts is None:
            unnamed += 1
            continue
        for key, (below, suffix) in _LOGS.items():
            if key in artifacts:
                # A path that is absolute stays as it is.
                seen.setdefault((output / artifacts[key] / below).resolve(), f"{record.parent.name}{suffix}")
    found = {name: folder for folder, name in seen.items() if folder.is_dir()}
    trainings = Trainings(found, unnamed, lost=len(seen) - len(found))
    if not found:
        raise InputError("\n".join([f"{output}: no training to show. Train first: make run", *trainings.notes()]))
    return trainings


def _read(record: Path) -> dict[str, Any]:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{record}: is not readable: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{record}: expected a JSON object. Received: {type(content).__name__}")
    return content


def lay_out(trainings: Trainings, folder: Path) -> None:
    """Links the files that are not there yet, each training's under its name: TensorBoard names a run by its path.

    Files and not folders: the profile's page does not look into a linked folder, and in a folder of its own leaves what
    it has worked out, which has no place in an artifact.
    """
    for name, training in trainings.folders.items():
        for file in (path for path in training.rglob("*") if path.is_file()):
            link = folder / name / file.relative_to(training)
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file)


def profile_lines(folder: Path) -> list[str]:
    """What the newest profile below a folder that was laid out says of the input pipeline."""
    profiles = sorted(folder.glob("*/plugins/profile/*"))
    if not profiles:
        return ["no training was profiled: --set training.profile_steps=10"]
    if importlib.util.find_spec("xprof") is None:
        return ["profiles are not shown, for the dependency group notebook is not installed: make sync"]
    newest = profiles[-1]
    return [f"profile of {newest.relative_to(folder).parts[0]}:", *(f"  {line}" for line in input_lines(newest))]


def serve(output: Path, host: str, port: int) -> None:
    """Shows the trainings, and those that are added meanwhile, until it is interrupted.

    Raises:
        InputError: if there is nothing to show, or the address cannot be had.
    """
    trainings = find_trainings(output)
    with tempfile.TemporaryDirectory(prefix="tensorboard-") as folder:
        lay_out(trainings, Path(folder))
        url = _launch(Path(folder), host, port)
        sys.stdout.writelines(f"{line}\n" for line in [*trainings.notes(), *profile_lines(Path(folder))])
        sys.stdout.write(f"{len(trainings.folders)} trainings and searches of {output}: {url} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        while True:
            time.sleep(_REFRESH_SECONDS)
            lay_out(find_trainings(output), Path(folder))


def _launch(folder: Path, host: str, port: int) -> str:
    """Starts TensorBoard in a thread of this process and returns its address."""
    from tensorboard import program

    board = program.TensorBoard()
    board.configure(argv=["tensorboard", "--logdir", str(folder), "--host", host, "--port", str(port)])
    try:
        return str(board.launch())
    except program.TensorBoardPortInUseError:
        raise InputError(
            f"--port {port}: another program listens there, maybe an earlier TensorBoard. "
            "Name another, or --port 0 for any free one"
        ) from None
    except program.TensorBoardServerException as error:
        raise InputError(f"--host {host} --port {port}: {error.msg}") from None


def _port(text: str) -> int:
    """A number that a port may have; TensorBoard takes others and ends in an OverflowError."""
    if not (text.isascii() and text.isdecimal() and int(text) <= _LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {_LARGEST_PORT}. Received: {text}")
    return int(text)


def main(arguments: list[str]) -> int:
    """Shows TensorBoard; returns the exit code: 0 when it is interrupted, 2 if there is nothing to show."""
    parser = argparse.ArgumentParser(prog="python -m pipeline tensorboard", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="the --output of the runs")
    parser.add_argument("--host", default="localhost", help="0.0.0.0 for other machines to see it too")
    parser.add_argument("--port", type=_port, default=6006, help="0 for any free one")
    chosen = parser.parse_args(arguments)
    try:
        serve(existing_output(chosen.output), chosen.host, chosen.port)
    except (PipelineError, OSError) as error:
        return ended(error, chosen.output)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # So that the folder of links goes when this is asked to end, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
