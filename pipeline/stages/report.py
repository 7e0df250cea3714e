"""What the nodes before left to a report, where no process of ours is there when a run has ended."""

import json
from typing import Any

from components.report.run_report import RunReportGen
from pipeline.config.pipeline_config import Config
from pipeline.stages.data import DataStage
from pipeline.stages.model import ModelStage
from pipeline.stages.release import ReleaseStage
from pipeline.stages.run_manifest import described
from pipeline.stages.source_fingerprint import files_fingerprint, source_fingerprint


def stage(config: Config, rows: DataStage, trained: ModelStage, released: ReleaseStage) -> list[Any]:
    """RunReport, which does not wait for Pusher: it is there for a model that is not blessed as well."""
    # The command is that of compiling, which runs nothing, and names files of the machine it ran on.
    told = {name: value for name, value in described(config).items() if name != "command"}
    report = RunReportGen(
        examples=rows.examples,
        schema=rows.schema,
        anomalies=rows.anomalies,
        statistics=rows.statistics.outputs["statistics"],
        split_statistics=rows.statistics.outputs["split_statistics"],
        transformed_examples=rows.transform.outputs["transformed_examples"],
        config=json.dumps(told),
        fingerprint=source_fingerprint("components.report.run_report") + files_fingerprint("reports/templates"),
        **released.verdicts,
        **trained.records,
    ).with_id("RunReport")
    return [report]
