"""Resolves the span, its fingerprint and the files of a window before ExampleGen runs: `WindowDriver` in a container.

Its arguments and its output file are those of TFX's driver of file-based ExampleGens, which knows of no window.
"""

import argparse
import sys
from pathlib import Path

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.example_gen import driver, utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entrypoint_utils
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys

from components.data.example_gen import WindowDriver


def main(arguments: list[str]) -> int:
    """Writes parameters and the examples' properties into the execution's output file."""
    chosen = _options().parse_args(arguments)
    execution = json_format.Parse(chosen.json_serialized_invocation_args, pipeline_spec_pb2.ExecutorInput())
    specified = json_format.Parse(
        chosen.json_serialized_inputs_spec_args, pipeline_spec_pb2.ComponentInputsSpec(), ignore_unknown_fields=True
    )
    given = entrypoint_utils.parse_execution_properties(execution.inputs.parameter_values, {}, specified)
    resolved = WindowDriver(None).resolve_exec_properties(given, None, None)
    names: dict[int, str] = {}
    outputs = entrypoint_utils.parse_raw_artifact_dict(execution.outputs.artifacts, names)
    examples = artifact_utils.get_single_instance(outputs[keys.EXAMPLES_KEY])
    driver.update_output_artifact(resolved, examples.mlmd_artifact)
    output = pipeline_spec_pb2.ExecutorOutput()
    output.artifacts[keys.EXAMPLES_KEY].artifacts.append(entrypoint_utils.to_runtime_artifact(examples, names))
    output.parameter_values[utils.SPAN_PROPERTY_NAME].number_value = resolved[utils.SPAN_PROPERTY_NAME]
    output.parameter_values[utils.FINGERPRINT_PROPERTY_NAME].string_value = resolved[utils.FINGERPRINT_PROPERTY_NAME]
    output.parameter_values[keys.INPUT_CONFIG_KEY].string_value = resolved[keys.INPUT_CONFIG_KEY]
    Path(execution.outputs.output_file).write_text(json_format.MessageToJson(output), encoding="utf-8")
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.kubeflow.span_driver", allow_abbrev=False)
    parser.add_argument("--json_serialized_invocation_args", required=True, help="the execution")
    parser.add_argument("--json_serialized_inputs_spec_args", required=True, help="the component's declared inputs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
