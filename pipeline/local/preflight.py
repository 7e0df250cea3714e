"""What can be said of a run before TensorFlow is loaded: is the data there, and does it look like the schema?"""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ingestion.formats import reader_of
from ingestion.windows import select
from pipeline.beam.job_server import check_listens, find_program
from pipeline.config.beam import Beam
from pipeline.config.metadata import METADATA_FILE
from pipeline.config.pipeline_config import ROOT, Config
from pipeline.local.early_precision import judge, suspicions
from pipeline.metadata.sqlite_file import check_file
from schema.errors import InputError
from schema.rows import columns, read_schema

_SHOWN_FAULTS = 40
# SQLite takes paths of 512 bytes, those of its journal among them.
_LONGEST_SQLITE_PATH = 504
# Modules of the project that build sample data, and one that lies beside a problem.yaml.
_OUR_BUILDER = re.compile(r"ingestion\.[a-z][a-z0-9_]*")
_OWN_BUILDER = re.compile(r"[a-z][a-z0-9_]*")


def check_output(config: Config) -> None:
    """Refuses an output folder in which a run could not keep what it must.

    Raises:
        InputError: if it is no folder, or its path is longer than SQLite takes.
    """
    size = len(os.fsencode(config.output / METADATA_FILE))
    if not config.environment.metadata.is_server and size > _LONGEST_SQLITE_PATH:
        raise InputError(
            f"--output: expected a path of at most {_LONGEST_SQLITE_PATH - len(METADATA_FILE) - 1} bytes, since SQLite "
            f"keeps the metadata in it. Received: {len(os.fsencode(config.output))} bytes, {config.output}"
        )
    try:
        is_other = config.output.exists() and not config.output.is_dir()
    except OSError as error:
        raise InputError(f"--output {config.output}: {error.strerror}") from None
    if is_other:
        raise InputError(f"--output {config.output}: cannot be written: it is there, and is no folder")


def find_data(config: Config) -> dict[int, tuple[Path, ...]]:
    """The files of each span in the run's window.

    Raises:
        InputError: if the folder or the window's spans are absent.
    """
    return select(config.data, config.problem.data.pattern, config.window)


def check_engine(beam: Beam) -> str | None:
    """Looks for what the Beam runner needs; a line that tells which engine it is, None where it is this process.

    Raises:
        InputError: naming what is absent, and the line that mends it.
    """
    if beam.runner == "dataflow":
        raise InputError(
            "beam.runner: Dataflow's workers see no folder of this machine, where a local run has its data and its "
            "output. It is for run_kubeflow.py --target vertex"
        )
    if not beam.is_java:
        return None
    where = f"at {beam.master}" if beam.master else "on this machine"
    if beam.worker_pool:
        # On this machine alone; those of the cluster's other machines are not asked for here.
        check_listens("beam.worker_pool", beam.worker_pool)
    if beam.job_server_address is not None:
        check_listens("beam.job_server", beam.job_server_address)
        return f"Beam on {beam.runner.title()}, by the job server at {beam.job_server_address}"
    if beam.runner == "flink" and beam.master:
        check_listens("beam.master", beam.master.removeprefix("http://").removesuffix("/"))
    program, ours = find_program(beam), version("apache-beam")
    other = "" if program.beam_version == ours else f" (its Beam is {program.beam_version}, this project's {ours})"
    return f"Beam on {beam.runner.title()} {program.engine_version} {where}{other}"


def build_sample(config: Config) -> str | None:
    """Builds the problem's sample data if it names a builder and has no whole build; what was built, in a line.

    A build ends with its marker file, so one that was cut short is done again, and a whole one is not looked into.

    Raises:
        InputError: if there is no such builder.
    """
    if config.problem.data.builder is None:
        return None
    builder = _builder(config.problem.data.builder, config.schema_file.parent)
    if (config.data / builder.MARKER).is_file():
        return None
    return f"{config.problem.data.path}: {builder.build(config.data)}"


def told_once(faults: Mapping[Path, Sequence[str]]) -> list[str]:
    """The faults, each once, with the number of the other files that have it too.

    Args:
        faults: sentences that begin with the file, by file.
    """
    first: dict[str, str] = {}
    files: dict[str, set[Path]] = {}
    for path, sentences in faults.items():
        for sentence in (line for text in sentences for line in text.splitlines()):
            # Without the place in the file.
            key = re.sub(r"^(:\d+)?: ((row|record) \d+: )?", "", sentence.removeprefix(str(path)))
            first.setdefault(key, sentence)
            files.setdefault(key, set()).add(path)
    others = {key: len(found) - 1 for key, found in files.items()}
    return [
        sentence + (f" (and so in {others[key]} more file{'s' if others[key] > 1 else ''})" if others[key] else "")
        for key, sentence in first.items()
    ]


def _builder(name: str, folder: Path) -> Any:
    """The module, which is run by this: of `ingestion`, or of the problem's own folder, and no other."""
    own = folder / f"{name}.py"
    if _OUR_BUILDER.fullmatch(name) and (ROOT / Path(*name.split(".")).with_suffix(".py")).is_file():
        found = importlib.import_module(name)
    elif _OWN_BUILDER.fullmatch(name) and own.is_file():
        spec = importlib.util.spec_from_file_location(f"_builder_{name}", own)
        if spec is None or spec.loader is None:
            raise InputError(f"problem.yaml: data.builder: {own} is no module")
        found = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    else:
        raise InputError(
            "problem.yaml: data.builder: expected a module of ingestion/, such as ingestion.nyc_flights, or the name "
            f"of a .py file in {folder}. Received: '{name}'"
        )
    lacking = [part for part in ("MARKER", "build") if not hasattr(found, part)]
    if lacking:
        raise InputError(f"problem.yaml: data.builder: '{name}' has no {' and no '.join(lacking)}, which a builder has")
    return found


def check_metadata(config: Config, *, log_in: bool) -> str | None:
    """Asks for the metadata store: whether its file is whole, or its server answers; a line that says where that is.

    Args:
        config: what runs.
        log_in: whether the store is opened too, which makes its tables.

    Raises:
        InputError: if the server does not answer, or does not let us in.
        DamagedFileError: if the file is no whole database.
    """
    settings = config.environment.metadata
    if not settings.is_server:
        check_file(config.output / METADATA_FILE)
        return None
    # ML Metadata is loaded for a server alone.
    from pipeline.metadata.connection import check_login, check_server

    (check_login if log_in else check_server)(settings)
    return f"metadata: {settings.where} answers"


def check_first_rows(config: Config) -> str:
    """Compares the columns and the first rows of every file with the schema, and their numbers with float32.

    Returns:
        A line that says all is well, and one for each thing that only the run can tell.

    Raises:
        InputError: with a line or more for each thing that does not fit, all of them at once.
    """
    known, spans = columns(read_schema(config.schema_file)), find_data(config)
    files = [path for span in spans.values() for path in span]
    first = {path: reader_of(path).first_rows(path, known) for path in files}
    lines = told_once({path: rows.faults for path, rows in first.items()})
    precisions, notes = [rows.precision for rows in first.values()], list[str]()
    if lines:
        # Files with such faults cannot be read to their ends, so that nothing more is known of their numbers.
        lines += suspicions(precisions, known, config.problem)
    else:
        early = judge(files, known, config.problem, precisions)
        lines, notes = early.faults, early.notes
    if lines:
        more = len(lines) - _SHOWN_FAULTS
        raise InputError("\n".join([*lines[:_SHOWN_FAULTS], *([f"and {more} more"] if more > 0 else [])]))
    counted = "1 span and its columns" if len(spans) == 1 else f"{len(spans)} spans and their columns"
    return "\n".join([f"{config.problem.name}: config, {counted} in {config.data} are in order", *notes])
