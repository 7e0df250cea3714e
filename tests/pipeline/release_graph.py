"""A graph of the real one's shape in small, baseline, gate and pusher included, with run folders beside it."""
# ruff: noqa: N802 (a node is named like a class)

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.components.common.resolver import Resolver
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation, ModelRun, PushedModel

from components.release.release_store import MANIFEST, current, point, versions
from components.training.baseline import BaselineStrategy
from components.training.blessings import BLESSED, CURRENT_MODEL_ID
from pipeline.config.metadata import MetadataStore
from pipeline.local.node_result import NodeError, NodeResult
from pipeline.local.runner import LocalRunner, compile_graph
from pipeline.local.session import locked
from pipeline.metadata.namespace import Place, on_server
from pipeline.metadata.server_handle import opener
from pipeline.metadata.type_registration import register_types
from reports.runs.run_record import RunRecord, write_json, write_record
from schema.errors import InputError
from schema.release_files import sealed
from tests.pipeline.small_graph import Source, pipeline, write

NAME = "small"
CACHED = dict.fromkeys(("Source", "Trainer", "Baseline", "Evaluator", "ReleaseGate", "Pusher"), "cached")


@tfx.dsl.components.component
def Learn(
    examples: InputArtifact[Examples],
    model: OutputArtifact[Model],
    model_run: OutputArtifact[ModelRun],
    seed: Parameter[int],
) -> None:
    write(model, f"{examples.uri} {seed}")
    write(model_run, "loss")


@tfx.dsl.components.component
def Judge(
    model: InputArtifact[Model],
    evaluation: OutputArtifact[ModelEvaluation],
    baseline_model: InputArtifact[Model] = None,
) -> None:
    write(evaluation, f"{model.id} against {baseline_model.id if baseline_model else None}")


@tfx.dsl.components.component
def Bless(
    model: InputArtifact[Model],
    evaluation: InputArtifact[ModelEvaluation],
    blessing: OutputArtifact[ModelBlessing],
    blessed: Parameter[int],
) -> None:
    """Fails where the number is negative."""
    if blessed < 0:
        raise InputError(f"{evaluation.uri}: a sentence")
    write(blessing, "verdict")
    blessing.set_int_custom_property(BLESSED, blessed)
    blessing.set_int_custom_property(CURRENT_MODEL_ID, model.id)


@tfx.dsl.components.component
def Push(
    model: InputArtifact[Model],
    blessing: InputArtifact[ModelBlessing],
    pushed_model: OutputArtifact[PushedModel],
    releases: Parameter[str],
) -> None:
    """A version is called as the model is numbered."""
    version = Path(releases) / str(model.id)
    version.mkdir(parents=True)
    (version / MANIFEST).write_text(sealed({"model": model.uri, "by": blessing.uri}, version), encoding="utf-8")
    point(Path(releases), model.id)
    pushed_model.set_string_custom_property("pushed_version", version.name)
    pushed_model.set_string_custom_property("pushed_destination", str(version))
    write(pushed_model, version.name)


def nodes(releases: Path, text: str, seed: int, blessed: int) -> list[Any]:
    source = Source(text=text)
    trainer = Learn(examples=source.outputs["examples"], seed=seed).with_id("Trainer")
    model = trainer.outputs["model"]
    baseline = Resolver(
        strategy_class=BaselineStrategy,
        model=Channel(type=Model, producer_component_id="Trainer"),
        blessing=Channel(type=ModelBlessing, producer_component_id="ReleaseGate"),
        candidate=model,
    ).with_id("Baseline")
    judge = Judge(model=model, baseline_model=baseline.outputs["model"]).with_id("Evaluator")
    gate = Bless(model=model, evaluation=judge.outputs["evaluation"], blessed=blessed).with_id("ReleaseGate")
    blessing = gate.outputs["blessing"]
    with tfx.dsl.Cond(blessing.future()[0].custom_property(BLESSED) == 1):
        pusher = Push(model=model, blessing=blessing, releases=str(releases)).with_id("Pusher")
    return [source, trainer, baseline, judge, gate, pusher]


@dataclass
class Output:
    """An output folder, with its metadata in SQLite or where the settings say."""

    folder: Path
    settings: MetadataStore = field(default_factory=MetadataStore)
    ids: list[str] = field(default_factory=list)

    @property
    def releases(self) -> Path:
        return self.folder / "pushed" / NAME

    @property
    def root(self) -> Path:
        """Where the artifacts lie."""
        return Path(self._place().root)

    def _place(self) -> Place:
        if self.settings.is_server:
            return on_server(self.settings, NAME, str(self.folder / "artifacts"), self.folder)
        database = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(self.folder / "metadata.sqlite"))
        return Place(NAME, str(self.folder / "artifacts"), database)

    def run(self, text: str = "rows", *, seed: int = 1, blessed: int = 1, only: str | None = None) -> dict[str, str]:
        """One run, with its folder; statuses by node."""
        self.ids.append(f"{datetime.now(UTC):%Y%m%dT%H%M%S-%f}")
        with locked(self.folder):
            return self._run(nodes(self.releases, text, seed, blessed), only)

    def _run(self, graph: list[Any], only: str | None) -> dict[str, str]:
        ir = compile_graph(pipeline(self.folder, graph, self._place()))
        if self.settings.is_server:
            register_types(self.settings, ir)
        runner = LocalRunner(ir, self.ids[-1], at_once=2, open_store=opener(self.settings))
        if only:
            runner.choose(only, only)
        try:
            results, status = runner.run(unheard), "finished"
        except NodeError as error:
            results, status = error.results, "failed"
        self._record(results, status, runner.outputs())
        return {result.id: str(result.status) for result in results}

    def _record(self, results: list[NodeResult], status: str, outputs: dict[tuple[str, str], str]) -> None:
        folder = self.folder / "runs" / self.ids[-1]
        folder.mkdir(parents=True)
        entries = [{"id": result.id, "status": str(result.status), "seconds": result.seconds} for result in results]
        artifacts = {".".join(key): str(Path(uri).relative_to(self.folder)) for key, uri in outputs.items()}
        write_record(RunRecord(self.ids[-1], status, problem=NAME, nodes=entries, artifacts=artifacts), folder)
        config = {"environment": {"metadata": self.settings.model_dump(mode="json")}}
        write_json(config, folder / "config.json")

    def forget_versions(self) -> None:
        """Removes all versions but the current one, as a later push does."""
        now = current(self.releases)
        for version in versions(self.releases):
            if version != now:
                shutil.rmtree(self.releases / str(version))

    def runs(self) -> list[str]:
        """Which of the runs have a folder, by their place among all, from 0."""
        present = {path.name for path in (self.folder / "runs").iterdir()}
        return [place for place, run in enumerate(self.ids) if run in present]

    def artifacts(self, node: str) -> set[str]:
        """Folders of a node's artifacts, as `model/7`."""
        return {f"{path.parent.name}/{path.name}" for path in (self.root / node).glob("[!.]*/*")}


def unheard(node: str, result: NodeResult | None) -> None:
    """A progress that nobody looks at."""
    del node, result
