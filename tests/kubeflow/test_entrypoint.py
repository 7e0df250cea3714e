"""What the entrypoint makes of an execution as the launchers write it, and of what TFX writes back."""

from typing import Any

import pytest

from pipeline.kubeflow import container_entrypoint
from schema.errors import InputError

MODEL = {"artifactType": {"instanceSchema": "title: tfx.Model\ntype: object\n"}}


def execution() -> dict[str, Any]:
    """An execution with two inputs, one of them without files, and the output that the driver adds."""
    where = "minio://bucket/root/run/Evaluator/1"
    return {
        "inputs": {
            "parameterValues": {"fingerprint": "a"},
            "artifacts": {
                name: {
                    "artifacts": [
                        {
                            "name": "7",
                            "type": {"instanceSchema": ""},
                            "uri": f"minio://bucket/{name}",
                            "metadata": {"version": 1.0},
                        }
                    ]
                }
                for name in ("model", "baseline_model")
            },
        },
        "outputs": {
            "artifacts": {
                "blessing": {"artifacts": [{"name": "blessing", "type": {}, "uri": f"{where}/blessing"}]},
                "executor-logs": {"artifacts": [{"name": "executor-logs", "uri": f"{where}/executor-logs"}]},
            },
            "outputFile": "/minio/bucket/root/run/Evaluator/1/output_metadata.json",
        },
    }


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://bucket/root/x", "/gcs/bucket/root/x"),
        ("s3://bucket/x", "/s3/bucket/x"),
        ("minio://bucket/x", "/minio/bucket/x"),
        ("/kfp_outputs/output_metadata.json", "/kfp_outputs/output_metadata.json"),
    ],
)
def test_a_uri_is_a_path_below_the_launchers_folder(uri: str, path: str) -> None:
    assert container_entrypoint.local_path(uri) == path


def test_a_scheme_without_a_folder_is_refused() -> None:
    with pytest.raises(InputError, match=r"abfs://x/y: expected a path or one of gs://, s3://, minio://"):
        container_entrypoint.local_path("abfs://x/y")


def test_inputs_get_the_types_that_the_component_declares() -> None:
    typed = container_entrypoint.with_types(execution(), {"artifacts": {"model": MODEL, "baseline_model": MODEL}})
    (model,) = typed["inputs"]["artifacts"]["model"]["artifacts"]
    assert model["type"] == MODEL["artifactType"]
    assert model["metadata"] == {"version": 1.0}
    assert typed["inputs"]["parameterValues"] == {"fingerprint": "a"}


def test_an_input_that_the_component_does_not_declare_is_named() -> None:
    with pytest.raises(InputError, match=r"input 'baseline_model': expected one of \['model'\]"):
        container_entrypoint.with_types(execution(), {"artifacts": {"model": MODEL}})


@pytest.mark.parametrize(
    ("given", "specified", "said"),
    [
        ("{{$}}", "{}", "--json_serialized_invocation_args: expected a JSON object; "),
        ("[]", "{}", "--json_serialized_invocation_args: expected a JSON object. Received: '[]'\n"),
        ("{}", "{", "--json_serialized_inputs_spec_args: expected a JSON object; "),
        ("{}", "{}", "--json_serialized_invocation_args: expected outputs.outputFile, "),
        (
            '{"outputs": {"outputFile": "abfs://x/y"}}',
            "{}",
            "abfs://x/y: expected a path or one of gs://, s3://, minio://\n",
        ),
    ],
)
def test_what_is_no_execution_is_refused_in_a_sentence(
    given: str, specified: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = {
        "--executor_class_path": "components.data.schema_gen.Executor",
        "--json_serialized_invocation_args": given,
        "--json_serialized_inputs_spec_args": specified,
    }
    code = container_entrypoint.main([part for flag in flags.items() for part in flag])
    printed = capsys.readouterr().err
    assert (code, printed.count("\n")) == (2, 1)
    assert printed.startswith(said)


def test_a_long_execution_is_shown_by_its_beginning() -> None:
    with pytest.raises(InputError) as caught:
        container_entrypoint.read_object("--flag", "x" * 100_000)
    assert len(str(caught.value)) < 400


def test_the_drivers_log_output_is_dropped_and_uris_become_paths() -> None:
    found = container_entrypoint.localized(container_entrypoint.without_logs(execution()))
    assert list(found["outputs"]["artifacts"]) == ["blessing"]
    (blessing,) = found["outputs"]["artifacts"]["blessing"]["artifacts"]
    assert blessing["uri"] == "/minio/bucket/root/run/Evaluator/1/blessing"
    assert found["inputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == "/minio/bucket/model"


def test_an_execution_without_inputs_is_one_too() -> None:
    bare = {"outputs": {"outputFile": "gs://bucket/run/output.json"}}
    found = container_entrypoint.localized(container_entrypoint.with_types(container_entrypoint.without_logs(bare), {}))
    assert found["outputs"] == {"artifacts": {}, "outputFile": "/gcs/bucket/run/output.json"}


def test_inputs_without_files_are_named(tmp_path: Any) -> None:
    given = execution()
    (tmp_path / "model").mkdir()
    for name, found in given["inputs"]["artifacts"].items():
        found["artifacts"][0]["uri"] = str(tmp_path / name)
    assert container_entrypoint.absent_inputs(given) == ["baseline_model"]


def test_what_a_driver_found_is_laid_over_the_output() -> None:
    driven = {"artifacts": {"blessing": {"artifacts": [{"metadata": {"span": 3.0}}]}}}
    found = container_entrypoint.with_driven(execution(), driven)
    assert found["outputs"]["artifacts"]["blessing"]["artifacts"][0]["metadata"] == {"span": 3.0}
    assert "metadata" in found["outputs"]["artifacts"]["executor-logs"]["artifacts"][0]


def test_written_paths_become_uris_again_and_nulls_go() -> None:
    written = {
        "artifacts": {"model": {"artifacts": [{"uri": "/minio/b/model", "metadata": {"a": None, "b": 0.0, "c": ""}}]}},
        "parameterValues": {"span": 1},
    }
    found = container_entrypoint.delivered(written, {"/minio/b/model": "minio://b/model"})
    assert found == {
        "artifacts": {"model": {"artifacts": [{"uri": "minio://b/model", "metadata": {"b": 0.0, "c": ""}}]}},
        "parameterValues": {"span": 1},
    }
