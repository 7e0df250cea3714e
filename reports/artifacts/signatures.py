"""What exported models take and give, as they say themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schema.signatures import SERVING_DEFAULT

# Inputs and outputs of one signature: {"inputs": {name: {"dtype": ..., "shape": [...]}}, "outputs": ...}.
Signature = dict[str, dict[str, dict[str, Any]]]


def describe_signatures(saved_model: Path) -> dict[str, Signature]:
    """Inputs and outputs of each signature: {"predict_rows": {"inputs": {"hour": {"dtype", "shape"}}, "outputs": ...}}.

    A size that is free, as that of a batch, is None.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    graph = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes()).meta_graphs[0]
    return {
        name: {"inputs": _tensors(found.inputs), "outputs": _tensors(found.outputs)}
        for name, found in sorted(graph.signature_def.items())
        # TensorFlow's own entry, which initialises tables.
        if not name.startswith("__")
    }


def _tensors(infos: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    import tensorflow as tf

    return {
        key: {
            "dtype": tf.dtypes.as_dtype(info.dtype).name,
            "shape": [None if size.size < 0 else size.size for size in info.tensor_shape.dim],
        }
        for key, info in sorted(infos.items())
    }


def describe_device(model: Path) -> Signature:
    """Inputs and outputs of a .tflite file's `serving_default`, as describe_signatures has them; texts are bytes."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(model)).get_signature_runner(SERVING_DEFAULT)
    sides = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
    return {side: {name: _detail(detail) for name, detail in sorted(found.items())} for side, found in sides.items()}


def _detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    shape = [None if size < 0 else int(size) for size in detail["shape_signature"]]
    return {"dtype": detail["dtype"].__name__.removesuffix("_"), "shape": shape}
