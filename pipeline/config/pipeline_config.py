"""Everything a run is made from: the problem, the environment, and what the command line said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import text_format

from edge.convert import recipes
from ingestion.windows import Window, parse_window
from pipeline.config.environment import Environment
from reports.runs.output_folder import DEFAULT_OUTPUT
from schema.bound import BoundProblem, bind
from schema.closed import load_yaml, nearest, read_yaml, yaml_fault
from schema.errors import InputError
from schema.problem import Problem, check_name, problem_folder
from schema.rows import read_schema

ROOT = Path(__file__).resolve().parents[2]
QUICK_ROWS = 20_000
ALL_SPANS = Window()


@dataclass(frozen=True)
class Containers:
    """What the nodes of a compiled graph run in: an image, and on Vertex AI a project and a region."""

    image: str = ""
    project: str = ""
    location: str = ""


NO_CONTAINERS = Containers()


@dataclass(frozen=True)
class Config:
    """One run, whole. Paths are absolute; `root` is the folder or URI of the artifacts."""

    bound: BoundProblem
    environment: Environment
    schema_file: Path
    data: Path
    output: Path
    root: str
    window: Window = ALL_SPANS
    sample_rows: int | None = None
    enable_cache: bool = True
    containers: Containers = NO_CONTAINERS

    @property
    def problem(self) -> Problem:
        """What is predicted."""
        return self.bound.problem

    @property
    def schema_text(self) -> str:
        """The schema as text proto."""
        return text_format.MessageToString(read_schema(self.schema_file))

    @property
    def cache(self) -> Path:
        """What outlives a run: converted spans, their statistics, analyzers, checkpoints."""
        return self.output / "cache"

    @property
    def name(self) -> str:
        """The pipeline's name. A sample has its own: its models are no baseline and no release of the whole data's."""
        return self.problem.name if self.sample_rows is None else f"{self.problem.name}_quick"

    @property
    def releases(self) -> Path:
        """The folder of released versions."""
        return self.output / "pushed" / self.name


def load_config(
    problem: str,
    *,
    output: str = DEFAULT_OUTPUT,
    environment: str = "local",
    data: str | None = None,
    window: str = ":",
    quick: bool = False,
    sets: Iterable[str] = (),
    enable_cache: bool = True,
    root: str | None = None,
    storage: str = "",
    containers: Containers = NO_CONTAINERS,
) -> Config:
    """The config of a run, from names and flags.

    Args:
        problem: a folder under schema/, or the path of one.
        output: where everything is written.
        environment: a file under pipeline/environments/.
        data: folder of spans; the problem's own when left out.
        window: spans to use.
        quick: whether a sample is used.
        sets: overrides, each `a.b=value`.
        enable_cache: whether results are used again.
        root: folder or URI of the artifacts; below the output when left out.
        storage: folder below which relative paths lie, where the environment names none: that of the nodes, not ours.
        containers: what nodes run in, where they do not run on this machine.

    Raises:
        InputError: naming the file, flag or key that is wrong.
    """
    folder = problem_folder(problem, ROOT)
    values = read_yaml(folder / "problem.yaml")
    problem_values, environment_values = apply_sets(values, read_yaml(_environment_file(environment)), sets)
    where = f"{folder / 'problem.yaml'} with --set" if sets else str(folder / "problem.yaml")
    found = Problem.from_mapping(problem_values, where)
    check_name(found, folder)
    for name in found.device.variants:
        recipes.find(name)
    schema_file = folder / "schema.pbtxt"
    settings = Environment.from_mapping(environment_values, f"environment {environment}")
    below = Path(settings.kubeflow.storage or storage)
    written = _absolute("--output", str(below / _folder("--output", output)))
    return Config(
        bound=bind(found, read_schema(schema_file)),
        environment=settings,
        schema_file=schema_file.resolve(),
        data=_absolute("data.path", str(below / found.data.path))
        if data is None
        else _absolute("--data", str(below / _folder("--data", data))),
        output=written,
        root=str(written / "artifacts") if root is None else root,
        window=parse_window(window),
        sample_rows=QUICK_ROWS if quick else None,
        enable_cache=enable_cache,
        containers=containers,
    )


def _folder(flag: str, text: str) -> str:
    """The text, unless it is empty, which would be the current folder without saying so."""
    if not text.strip():
        raise InputError(f"{flag}: expected a folder. Received: {text!r}. The current folder is '.'")
    return text


def _absolute(key: str, path: str) -> Path:
    try:
        return Path(path).expanduser().resolve()
    except RuntimeError:
        raise InputError(f"{key}: no home directory to put for ~. Received: {path!r}") from None


def _environment_file(name: str) -> Path:
    path = ROOT / "pipeline" / "environments" / f"{name}.yaml"
    known = sorted(file.stem for file in path.parent.glob("*.yaml"))
    if name not in known:
        raise InputError(f"--environment: no environment '{name}'. Known environments: {', '.join(known)}.")
    return path


def apply_sets(
    problem: Mapping[str, Any], environment: Mapping[str, Any], sets: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both mappings with each `a.b=value` laid over the one that has the section `a`.

    Raises:
        InputError: if a flag is not of that form, or no section is called so.
    """
    over_problem: dict[str, Any] = dict(problem)
    over_environment: dict[str, Any] = dict(environment)
    sections = {
        **dict.fromkeys(Environment.model_fields, over_environment),
        **dict.fromkeys(Problem.model_fields, over_problem),
    }
    for flag in sets:
        key, equals, text = flag.partition("=")
        path = key.strip().split(".")
        if not equals or not all(path):
            raise InputError(f"--set: expected key=value, such as network.epochs=3. Received: {flag!r}")
        if path[0] not in sections:
            raise InputError(f"--set: unknown key '{key}'.{nearest(path[0], list(sections))}")
        _put(sections[path[0]], path, _value(flag, text))
    return over_problem, over_environment


def _value(flag: str, text: str) -> Any:
    try:
        return load_yaml(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {flag}: the value is not YAML: {yaml_fault(error)[1]}") from None


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        below = values.get(part)
        # A copy: the mapping read from the file stays as it was.
        values[part] = dict(below) if isinstance(below, Mapping) else {}
        values = values[part]
    values[path[-1]] = value
