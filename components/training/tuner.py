"""The Tuner node: TFX's own, whose trials' curves outlive the search."""

import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components import Tuner
from tfx.components.tuner import executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys

from models.entrypoints.tuner import logs_folder

# Below the artifact tuner_results.
LOGS = "logs"


class Executor(executor.Executor):
    """The stock search; TFX removes the folder that it works in, so the trials' logs move beside its results."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Searches and writes the best setting, the results and the trials' logs."""
        if executor.get_tune_args(exec_properties):
            raise ValueError("Tuner: tune_args are not supported: the search runs in one process.")
        tuner = executor.search(input_dict, exec_properties, self._get_tmp_dir())
        executor.write_best_hyperparameters(tuner, output_dict)
        results = artifact_utils.get_single_uri(output_dict[keys.TUNER_RESULTS_KEY])
        shutil.copytree(logs_folder(Path(tuner.project_dir)), Path(results) / LOGS)


class LoggedTuner(Tuner):
    """The standard node with the executor above."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
