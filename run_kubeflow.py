"""Compiles the pipeline for Kubeflow Pipelines v2, checks it, and submits it when asked to."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# TensorFlow reads this when it is imported, which happens only once the flags are known to be right.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from schema.errors import InputError, PipelineError
from schema.failure import ended
from schema.problem import DEFAULT_PROBLEM

if TYPE_CHECKING:
    from pipeline.config.pipeline_config import Config

ENVIRONMENTS = {"oss": "kubeflow", "vertex": "vertex"}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="run_kubeflow.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--target", choices=list(ENVIRONMENTS), default="oss", help="open-source Kubeflow or Vertex AI")
    parser.add_argument("--image", required=True, help="container image with this project in it")
    parser.add_argument(
        "--pipeline-root", required=True, metavar="URI", help="where artifacts go: s3://, minio://, gs://"
    )
    parser.add_argument("--problem", default=DEFAULT_PROBLEM, help="a folder under schema/, or the path of one")
    parser.add_argument("--environment", help="a file under pipeline/environments/; the target's own when left out")
    parser.add_argument("--data", help="folder of spans as nodes see it; below kubeflow.storage when relative")
    parser.add_argument("--span-window", default=":", metavar="FIRST:LAST", help="spans to use, such as 1:9 or 10:")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="sets", help="override a key")
    parser.add_argument("--quick", action="store_true", help="use a seeded sample of about 20,000 rows")
    parser.add_argument("--output", default="pipeline.yaml", help="the file that is written")
    parser.add_argument("--submit", action="store_true", help="run it, at --host or in --project and --location")
    parser.add_argument("--host", help="address of the Kubeflow Pipelines API; as kfp finds it when left out")
    parser.add_argument("--project", help="Google Cloud project; the environment's own when left out")
    parser.add_argument("--location", help="Google Cloud region; the environment's own when left out")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Compiles; returns the exit code: 0 done, 2 bad input."""
    chosen = parse(arguments)
    try:
        return _main(chosen)
    except (PipelineError, OSError) as error:
        return ended(error, chosen.output)


def _main(chosen: argparse.Namespace) -> int:
    from pipeline.config.pipeline_config import Containers, load_config
    from pipeline.kubeflow.container_entrypoint import local_path

    file = Path(chosen.output)
    if file.suffix not in (".yaml", ".yml"):
        raise InputError(f"--output: Kubeflow Pipelines takes .yaml files. Received: '{chosen.output}'")
    root = chosen.pipeline_root.rstrip("/")
    config = load_config(
        chosen.problem,
        environment=chosen.environment or ENVIRONMENTS[chosen.target],
        data=chosen.data,
        window=chosen.span_window,
        quick=chosen.quick,
        sets=chosen.sets,
        root=root,
        # Vertex AI has all buckets below a local folder, so data and releases need no other place.
        storage=local_path(root) if root.startswith("gs://") else "",
        containers=Containers(chosen.image, chosen.project or "", chosen.location or ""),
    )
    if config.environment.is_local:
        raise InputError(f"--environment {config.environment.name}: is for run_local.py")
    from pipeline.process.fast_import import large_imports
    from pipeline.process.output_redirect import captured

    with captured(Path(os.devnull)) as terminal:
        with large_imports():
            from pipeline.kubeflow.cli_output import lines
            from pipeline.kubeflow.compiler import compile_pipeline
        compiled = compile_pipeline(config, chosen.target)
        file.write_text(compiled.text(), encoding="utf-8")
        terminal.writelines(f"{line}\n" for line in lines(config, compiled, chosen.image, chosen.target, file))
        if chosen.submit:
            terminal.write(f"  submitted {_submit(chosen, config, file)}\n")
    return 0


def _submit(chosen: argparse.Namespace, config: "Config", file: Path) -> str:
    from pipeline.kubeflow.submit import submit_oss, submit_vertex

    if chosen.target == "vertex":
        return submit_vertex(config, file, chosen.project, chosen.location)
    return submit_oss(config, file, chosen.host)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
