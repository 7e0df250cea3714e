"""One run, read again from its folder: its record, its config, and views of its artifacts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reports.artifacts.quiet_imports import quietly
from reports.runs.collected import collected
from reports.runs.run_record import RunRecord, why_absent
from reports.runs.shown import shown
from reports.runs.stored_runs import CONFIG, RECORD
from reports.views.data import Anomalies, Drifts, Rows, Statistics
from reports.views.evaluation import Evaluation
from reports.views.graph import Graph
from reports.views.history import History
from reports.views.ledger import Ledger
from reports.views.lineage import Lineage
from reports.views.schema import Schema
from reports.views.training import Training
from reports.views.variants import Variants
from reports.views.verdict import Verdict
from schema.errors import InputError
from schema.metrics import MAIN, Metric, metrics_of
from schema.problem import DropUnit, Task
from schema.rows import columns, read_schema

_FINISHED = ("pushed", "blessed", "not blessed", "finished")


class MissingArtifactError(InputError):
    """The run has not, or no longer, what is asked for."""


@dataclass(frozen=True)
class Run:
    """What one run left.

    Attributes:
        record: what run.json says.
        config: what config.json says; empty of a run that has none.
        artifacts: folders of the artifacts by `<node>.<output>`.
        earlier: the run before this one of the same problem that has statistics of other data; None if there is none.
        folder: the run's folder; None where it has none, as on a cluster.
    """

    record: Mapping[str, Any]
    config: Mapping[str, Any]
    artifacts: Mapping[str, Path]
    earlier: "Run | None" = field(default=None, repr=False)
    folder: Path | None = None

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.record.get("run_id", ""))

    @property
    def name(self) -> str:
        """What errors call the run, which knows no id where an orchestrator of its own runs it."""
        return f"run {self.id}" if self.id else "this run"

    @property
    def problem(self) -> str:
        """The pipeline's name, below which its versions are released."""
        return str(self.record.get("problem", ""))

    @property
    def output(self) -> Path:
        """The folder that the run wrote to.

        Raises:
            MissingArtifactError: if it has none, as on a cluster.
        """
        if self.folder is None:
            raise MissingArtifactError(f"run {self.id} has no folder of its own")
        return self.folder.resolve().parent.parent

    @property
    def title(self) -> str:
        """The question that the model answers."""
        return str(self.config.get("problem", {}).get("title") or self.record.get("problem") or self.id)

    @property
    def task(self) -> Task:
        """The problem's task; told from the metrics where there is no config."""
        given = self.config.get("problem", {}).get("task")
        if given:
            return Task(given)
        measured = self.record.get("metrics", {}).get("candidate", {})
        return next((task for task, name in MAIN.items() if name in measured), Task.BINARY)

    @property
    def metric(self) -> Metric:
        """The metric that one number for a model means."""
        return metrics_of(self.task)[MAIN[self.task]]

    def has(self, name: str) -> bool:
        """Whether an artifact is there."""
        return name in self.artifacts and self.artifacts[name].is_dir()

    def artifact(self, name: str) -> Path:
        """The folder of an artifact, such as `Evaluator.evaluation`.

        Raises:
            MissingArtifactError: if the run did not come so far, or its artifacts have been removed.
        """
        if name not in self.artifacts:
            node, status = name.partition(".")[0], self.record["status"]
            why = why_absent(self.record.get("nodes", ()), node)
            raise MissingArtifactError(f"{self.name} ({status}) has no {name}: {why}")
        if not self.artifacts[name].is_dir():
            raise MissingArtifactError(f"{self.name}: {self.artifacts[name]} of {name} has been removed")
        return self.artifacts[name]

    @property
    def verdict(self) -> Verdict:
        """What became of the run."""
        overall = self.evaluation.overall if self.has("Evaluator.evaluation") else None
        return Verdict(self.title, self.record, overall, self.metric if overall else None)

    @property
    def graph(self) -> Graph:
        """What each node did."""
        return Graph(self.record.get("nodes", []))

    @property
    def rows(self) -> Rows:
        """Rows by span and split."""
        return Rows(self.spans)

    @property
    def ledger(self) -> Ledger:
        """Rows at every boundary.

        Raises:
            MissingArtifactError: if no node of the run counted any, as before they did.
        """
        lines = self.record.get("ledger") or []
        if not lines:
            raise MissingArtifactError(f"{self.name} has no row counts")
        return Ledger(lines)

    @cached_property
    def spans(self) -> list[dict[str, Any]]:
        """Of each span its number, a name that stands for its content, and rows a split."""
        listing = json.loads((self.artifact("ExampleGen.examples") / "spans.json").read_text(encoding="utf-8"))
        found = [{"span": one["span"], "content": Path(one["folder"]).name, "rows": one["rows"]} for one in listing]
        return sorted(found, key=lambda one: one["span"])

    @property
    def schema(self) -> Schema:
        """What each column must be, and what it is used as."""
        found = read_schema(self.artifact("ImportSchemaGen.schema") / "schema.pbtxt")
        problem = self.config.get("problem", {})
        roles = {name: f"input, {one['encoding']}" for name, one in problem.get("features", {}).items()}
        named = {problem.get("split", {}).get("key"): "split key", problem.get("label"): "label"}
        roles |= {name: role for name, role in named.items() if name}
        present = {feature.name: feature.presence.min_fraction for feature in found.feature}
        return Schema(list(columns(found).values()), present, roles)

    @cached_property
    def statistics(self) -> Statistics:
        """Statistics by feature and split."""
        from reports.artifacts.statistics import load_statistics

        folder = self.artifact("StatisticsGen.split_statistics")
        features = self.config.get("problem", {}).get("features", {})
        with quietly():
            return Statistics(load_statistics(folder), {name: one["encoding"] for name, one in features.items()})

    @cached_property
    def anomalies(self) -> Anomalies:
        """What does not fit the schema."""
        from reports.artifacts.anomalies import load_anomalies

        with quietly():
            return Anomalies(load_anomalies(self.artifact("ExampleValidator.anomalies")))

    @cached_property
    def drift(self) -> Drifts:
        """Drift of the training split against the last run with other data.

        Raises:
            MissingArtifactError: if there is no such run.
        """
        if self.earlier is None:
            raise MissingArtifactError(f"{self.name}: no earlier run has statistics of other data to compare with")
        from reports.artifacts.drift import measure_drift

        now, before = (
            run.artifact("StatisticsGen.split_statistics") / "Split-train" / "FeatureStats.pb"
            for run in (self, self.earlier)
        )
        schema = self.artifact("ImportSchemaGen.schema") / "schema.pbtxt"
        with quietly():
            drifts = measure_drift(now, before, schema)
        return Drifts(drifts, f"Spans {self.rows.window}", f"spans {self.earlier.rows.window} of {self.earlier.name}")

    def drift_between(self, now: str | None = None, before: str | None = None) -> Drifts:
        """Drift of one span, such as `span-03`, against another: of the newest against the one before it, if not named.

        Raises:
            MissingArtifactError: if the run has no such span.
        """
        from reports.artifacts.drift import measure_drift
        from reports.artifacts.statistics import dataset_files

        files = dataset_files(self.artifact("StatisticsGen.statistics"))
        if len(files) < 2 and (now is None or before is None):
            raise MissingArtifactError(f"run {self.id} has one span, and no other to compare it with")
        now, before = now or list(files)[-1], before or list(files)[-2]
        for span in (now, before):
            if span not in files:
                raise MissingArtifactError(f"{self.name} has no '{span}'. Spans: {', '.join(files)}.")
        schema = self.artifact("ImportSchemaGen.schema") / "schema.pbtxt"
        with quietly():
            return Drifts(measure_drift(files[now], files[before], schema), now, before)

    @cached_property
    def training(self) -> Training:
        """Training's curves."""
        from reports.artifacts.training import load_training

        tuned: dict[str, Any] = {}
        if self.has("Tuner.best_hyperparameters"):
            found = self.artifact("Tuner.best_hyperparameters") / "best_hyperparameters.txt"
            tuned = json.loads(found.read_text(encoding="utf-8")).get("values", {})
        with quietly():
            return Training(load_training(self.artifact("Trainer.model_run")), self.task, tuned)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Metrics, curves and slices."""
        from reports.artifacts.bounds import load_bounds
        from reports.artifacts.curves import load_curves
        from reports.artifacts.evaluation import load_slices

        folder = self.artifact("Evaluator.evaluation")
        problem = self.config.get("problem", {})
        judged = problem.get("evaluation", {})
        with quietly():
            return Evaluation(
                task=self.task,
                slices=load_slices(folder),
                curves=load_curves(folder),
                bounds=load_bounds(folder),
                classes=problem.get("classes", ()),
                threshold=judged.get("threshold", 0.5),
                min_slice_rows=judged.get("min_slice_rows", 1000),
            )

    @property
    def variants(self) -> Variants:
        """Device variants."""
        path = self.artifact("DeviceModels.device_models") / "variants.json"
        server = self.record.get("metrics", {}).get("candidate", {}).get(self.metric.name)
        problem = self.config.get("problem", {})
        held, entries = problem.get("device", {}), json.loads(path.read_text(encoding="utf-8"))
        # A run of before there were units has its bounds in the metric's.
        deviation = entries[0].get("label_deviation") if entries and held.get("drop_unit") == DropUnit.DEVIATION else 1
        return Variants(
            entries,
            self.metric,
            server,
            held.get("max_metric_drop", 0.0) * (deviation or 1),
            held.get("max_slice_drop", 0.0) * (deviation or 1),
            problem.get("evaluation", {}).get("min_slice_rows", 1000),
        )

    @property
    def lineage(self) -> Lineage:
        """Where the model comes from."""
        spans = self.spans if self.has("ExampleGen.examples") else []
        return Lineage(self.config, spans, {name: str(path) for name, path in sorted(self.artifacts.items())})

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.verdict._repr_mimebundle_()


def run_of_artifacts(artifacts: Mapping[str, Path], config: Mapping[str, Any]) -> Run:
    """A run as far as its artifacts know it: without an id, times, and what became of it after them.

    Args:
        artifacts: folders by `<node>.<output>`.
        config: as config.json has it, or what of it is to be shown.
    """
    record = {"problem": config.get("problem", {}).get("name", ""), **collected(artifacts)}
    run = Run(record, config, artifacts)
    if not run.has("ExampleGen.examples"):
        return run
    numbers = [one["span"] for one in run.spans]
    return Run({**record, "window": f"{min(numbers)}:{max(numbers)}"}, config, artifacts)


def read_run(folder: Path) -> Run:
    """The run whose folder this is, with the one before it.

    Raises:
        InputError: if its run.json is absent or not readable.
    """
    run = _read(folder)
    earlier = (_read(other) for other in reversed(run_folders(folder.parent)) if other.name < folder.name)
    compared = next((other for other in earlier if _has_other_data(other, run)), None)
    return Run(run.record, run.config, run.artifacts, compared, run.folder)


def _has_other_data(other: Run, run: Run) -> bool:
    name = "StatisticsGen.split_statistics"
    return (
        other.record.get("problem") == run.record.get("problem")
        and other.has(name)
        and other.has("ExampleGen.examples")
        and other.artifacts[name] != run.artifacts.get(name)
    )


def run_folders(runs: Path) -> list[Path]:
    """Folders of runs that have ended, the oldest first."""
    return sorted(path.parent for path in runs.glob(f"[0-9]*/{RECORD}"))


def _read(folder: Path) -> Run:
    # Runs of before a field was recorded have its default.
    record = {**asdict(RunRecord(folder.name, "finished")), **_json(folder / RECORD)}
    config = folder / CONFIG
    output = folder.resolve().parent.parent
    artifacts = {name: output / path for name, path in record.get("artifacts", {}).items()}
    return Run(record, _json(config) if config.is_file() else {}, artifacts, folder=folder)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a JSON object. Received: {type(found).__name__}")
    return found


@dataclass(frozen=True)
class Runs:
    """All runs of an output folder that have ended, the oldest first."""

    runs: tuple[Run, ...]

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, place: int) -> Run:
        return self.runs[place]

    def history(self, problem: str | None = None) -> History:
        """Metrics over the runs of a problem, that of the newest run when left out; an evaluation stands there once.

        Raises:
            InputError: if no run evaluated a model.
        """
        evaluated = [run for run in self.runs if run.record.get("metrics", {}).get("candidate")]
        if not evaluated:
            raise InputError("no run in this output folder has evaluated a model")
        name = problem or evaluated[-1].record.get("problem")
        chosen, seen = [], set()
        for run in evaluated:
            model = run.artifacts.get("Evaluator.evaluation", run.id)
            if run.record.get("problem") == name and model not in seen:
                chosen.append(run)
                seen.add(model)
        return History([run.record for run in chosen], chosen[-1].metric)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return shown(self.history)._repr_mimebundle_()


def find_output(start: Path | None = None) -> Path:
    """The nearest folder `output` with runs, here or in a folder around this one.

    Raises:
        InputError: if there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "output" / "runs").is_dir():
            return folder / "output"
    raise InputError(f"no folder output/runs in {here} or above it. Run the pipeline first: make run")


def latest_run(output: str | Path | None = None) -> Run:
    """The newest run that came to its end, of an output folder or of the nearest one.

    Raises:
        InputError: if there is none.
    """
    folder = find_output() if output is None else Path(output)
    folders = run_folders(folder / "runs")
    for one in reversed(folders):
        if _read(one).record.get("status") in _FINISHED:
            return read_run(one)
    told = f"{len(folders)} runs, of which none came to its end" if folders else "no run"
    raise InputError(f"{folder}: {told}. Run the pipeline first: make run")


def all_runs(output: str | Path | None = None) -> Runs:
    """The runs of an output folder, or of the nearest one.

    Raises:
        InputError: if there is none.
    """
    folder = find_output() if output is None else Path(output)
    found = run_folders(folder / "runs")
    if not found:
        raise InputError(f"{folder}: no run. Run the pipeline first: make run")
    return Runs(tuple(_read(one) for one in found))
