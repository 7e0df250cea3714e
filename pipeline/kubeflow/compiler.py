"""The graph as a spec of Kubeflow Pipelines v2: compiled by TFX, mended and checked here."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline

from pipeline.config.node_names import TRAINING_NODES
from pipeline.config.pipeline_config import Config
from pipeline.graph import create_pipeline
from pipeline.kubeflow import spec_patches
from pipeline.kubeflow.compatibility_checks import Subject, faults, metadata_stores, unfit_nodes
from schema.errors import InputError

COMMAND = ["python", "-m", "pipeline.kubeflow.container_entrypoint"]

# What these nodes read is in no artifact: raw files, and released versions.
_UNCACHED = ("LatestPushedModel",)


@dataclass(frozen=True)
class Compiled:
    """A compiled pipeline: the spec, what Kubernetes needs beside it, its nodes, and those that run each time."""

    spec: spec_patches.Spec
    platform: spec_patches.Spec | None
    nodes: tuple[str, ...]
    uncached: tuple[str, ...]

    def text(self) -> str:
        """The file that `kfp` and Vertex AI take; the same bytes for the same pipeline."""
        documents = [self.spec, *([self.platform] if self.platform else [])]
        return yaml.dump_all(documents, Dumper=_Plain, sort_keys=True, width=120, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """YAML without anchors: what two places share is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (of the base)
        """True of everything."""
        return True


def compile_pipeline(config: Config, target: str) -> Compiled:
    """Compiles the graph of `config` for `target`, which is `oss` or `vertex`.

    Raises:
        InputError: with all that would fail later.
    """
    _refuse(metadata_stores(config.environment))
    pipeline = create_pipeline(config)
    _refuse(unfit_nodes(pipeline.components))
    kubeflow, training = config.environment.kubeflow, config.environment.training
    image = config.containers.image
    spec = _compiled_by_tfx(pipeline, image)
    spec["defaultPipelineRoot"] = config.root
    generators = [node.id for node in pipeline.components if isinstance(node, FileBasedExampleGen)]
    uncached = [*generators, *(node.id for node in pipeline.components if type(node).__name__ in _UNCACHED)]
    for name in generators:
        spec_patches.run_driver(spec, name)
    spec_patches.name_conditions(spec)
    spec_patches.never_cached(spec, uncached)
    spec_patches.add_retries(spec, kubeflow)
    spec_patches.add_resources(spec, kubeflow, waiting=TRAINING_NODES if training.workers else [])
    beam = config.environment.beam
    _refuse(faults(Subject(spec, target, image, config.root, kubeflow, beam, training, config.containers)))
    platform = spec_patches.platform(spec, kubeflow.volumes) if target == "oss" else None
    return Compiled(spec, platform, tuple(node.id for node in pipeline.components), tuple(uncached))


def _compiled_by_tfx(pipeline: Pipeline, image: str) -> spec_patches.Spec:
    settings = KubeflowV2DagRunnerConfig(
        # Open-source Kubeflow reads this version of the schema alone.
        use_pipeline_spec_2_1=True,
        # Without one TFX would take its own image, in which this project is not; the rules say it better.
        default_image=image or "none",
        default_commands=COMMAND,
    )
    job: dict[str, Any] = KubeflowV2DagRunner(settings).run(pipeline, write_out=False)
    spec: spec_patches.Spec = job["pipelineSpec"]
    return spec


def _refuse(found: Iterable[str]) -> None:
    listed = list(found)
    if listed:
        raise InputError("\n".join(listed))
