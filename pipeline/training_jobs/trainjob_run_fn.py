"""A Trainer's work in several pods: a TrainJob of Kubeflow Trainer v2, which the Trainer's node makes and waits for.

Kubeflow Pipelines gives a node one pod. What the node got, Transform's output above all, is copied to the volume that
all pods mount, where they also leave the model.
"""

import json
import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.entrypoints.pod_worker import fault_file
from models.entrypoints.trainer import checkpoint_folder
from models.entrypoints.training_job import as_json
from models.entrypoints.worker_error import Ended, read_fault
from pipeline.config.environment import Resources
from pipeline.config.pipeline_config import Config
from pipeline.training_jobs.trainjob_api import JobEnd, TrainJobs, UnreachableError, manifest
from schema.closed import Closed
from schema.durable import write_file
from schema.errors import PipelineError

# Between two looks at the job.
_POLL_SECONDS = 10.0
_FAILED_LOOKS = 60
_LOG = logging.getLogger(__name__)


class Pods(Closed):
    """The pods that train together.

    Attributes:
        count: how many.
        image: what they run.
        resources: what each may use.
        folder: on a volume that they and the Trainer's node mount at the same path.
    """

    count: int
    image: str
    resources: Resources
    folder: str


def custom_config(config: Config, node: str) -> dict[str, str]:
    """What run_fn reads beside the own of a node that trains."""
    environment = config.environment
    pods = Pods(
        count=environment.training.workers,
        image=config.containers.image,
        resources=environment.kubeflow.resources_of(node),
        folder=str(config.cache / "train_jobs"),
    )
    return {"pods": pods.model_dump_json()}


def run_fn(fn_args: Any) -> None:
    """Trains in a TrainJob, with what TFX hands to a run_fn of `models`, and `pods` (Pods) in `custom_config`.

    An attempt that is made again, since this node's pod was lost, finds the job of the one before it and waits for it.

    Raises:
        PipelineError: with the message of the worker that failed.
    """
    pods = Pods.model_validate_json(fn_args.custom_config["pods"])
    # The same for the same training, so that two attempts never write the same checkpoints at the same time.
    identity = checkpoint_folder(fn_args).name
    folder = Path(pods.folder) / identity
    job = laid_out(as_json(fn_args), folder)
    name = f"train-{identity}"
    _finish(TrainJobs.of_this_cluster(), name, manifest(name, pods.count, pods.image, pods.resources, job), job)
    _hand_over(folder, fn_args)


def laid_out(fn_args: Mapping[str, Any], folder: Path) -> Path:
    """Copies what a training reads into the folder, and writes the job's file, with the paths there.

    Returns:
        The job's file, beside which the workers leave the `model` and the `run`.
    """
    job = folder / "job.json"
    if job.is_file():
        return job
    shutil.rmtree(folder, ignore_errors=True)
    copied = {
        **fn_args,
        # A pattern such as .../Split-train/*; what is beside the splits is read too.
        **{key: [_pattern(pattern, folder) for pattern in fn_args[key]] for key in ("train_files", "eval_files")},
        "transform_output": str(_copied(Path(fn_args["transform_output"]), folder / "transform_graph")),
        "schema_file": str(_copied(Path(fn_args["schema_file"]), folder / "schema.pbtxt")),
        "base_model": _base_model(fn_args["base_model"], folder),
        "serving_model_dir": str(folder / "model" / Path(fn_args["serving_model_dir"]).name),
        "model_run_dir": str(folder / "run"),
    }
    return write_file(job, json.dumps(copied))


def _pattern(pattern: str, folder: Path) -> str:
    split = Path(pattern).parent
    examples = _copied(split.parent, folder / "examples")
    return str(examples / split.name / Path(pattern).name)


def _base_model(model: str | None, folder: Path) -> str | None:
    # The weights to start from lie beside the served form.
    return str(_copied(Path(model).parent, folder / "base_model") / Path(model).name) if model else None


def _copied(source: Path, target: Path) -> Path:
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
    return target


def _finish(jobs: TrainJobs, name: str, wanted: Mapping[str, Any], job: Path) -> None:
    """Makes the TrainJob, or finds the one that an earlier attempt made, and waits for its end."""
    workers = range(wanted["spec"]["trainer"]["numNodes"])
    if not jobs.running(name):
        for index in workers:
            fault_file(job, str(index)).unlink(missing_ok=True)
        jobs.replace(wanted, _POLL_SECONDS)
    _LOG.info("training in %d pods of the TrainJob %s", len(workers), name)
    ended = _await(jobs, name)
    if ended.failed:
        faults = [found for index in workers if (found := read_fault(fault_file(job, str(index)), index))]
        raise _failure(name, ended.message, faults)


def _await(jobs: TrainJobs, name: str) -> JobEnd:
    """The end of a TrainJob; some looks in a row may fail, as while the API's server is replaced."""
    failed_looks = 0
    while True:
        try:
            ended = jobs.ended(name)
            failed_looks = 0
        except UnreachableError as error:
            failed_looks += 1
            if failed_looks > _FAILED_LOOKS:
                raise
            _LOG.warning("%s; looking again", error)
            ended = None
        if ended is not None:
            return ended
        time.sleep(_POLL_SECONDS)


def _failure(name: str, message: str, faults: list[Ended]) -> PipelineError:
    """The error of the worker that knows most of it; Kubernetes' own message where no worker could tell."""
    if not faults:
        return PipelineError(f"training: the TrainJob {name} failed: {message}. `kubectl describe trainjob {name}`")
    fault = min(faults, key=lambda ended: ended.rank)
    if fault.mendable:
        return fault.mendable(fault.told)
    return PipelineError(f"training: the TrainJob {name} failed: {message}: {fault}")


def _hand_over(folder: Path, fn_args: Any) -> None:
    """Lays model and run where TFX expects them, and takes the rest away."""
    model, run = Path(fn_args.serving_model_dir).parent, Path(fn_args.model_run_dir)
    shutil.copytree(folder / "model", model, dirs_exist_ok=True)
    shutil.copytree(folder / "run", run, dirs_exist_ok=True)
    shutil.rmtree(folder)
