"""Equal parts of a file are stored once, and nothing else shows of it."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from edge.convert.converter import Converted
from edge.flatbuffer import model_io
from edge.runtime.litert_model import Columns, DeviceModel


def _model(tensors: int) -> schema.ModelT:
    model, subgraph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT(), schema.BufferT()], [subgraph]
    model.buffers[1].data = np.arange(32, dtype=np.uint8)
    subgraph.inputs, subgraph.outputs, subgraph.operators = [0], [0], []
    subgraph.tensors = []
    for place in range(tensors):
        tensor = schema.TensorT()
        tensor.shape, tensor.shapeSignature, tensor.buffer = [1, 7], [-1, 7], 1 if place == 1 else 0
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [3]
        subgraph.tensors.append(tensor)
    return model


def test_a_tensor_alike_takes_the_four_bytes_of_its_place() -> None:
    few, many = model_io.write(_model(3)), model_io.write(_model(103))
    assert len(many) - len(few) == 400


def test_what_is_read_back_is_what_was_written() -> None:
    found = model_io.read(model_io.write(_model(4)))
    for place, tensor in enumerate(found.subgraphs[0].tensors):
        assert (list(tensor.shape), list(tensor.shapeSignature)) == ([1, 7], [-1, 7])
        assert (list(tensor.quantization.scale), list(tensor.quantization.zeroPoint)) == ([0.5], [3])
        assert tensor.buffer == (1 if place == 1 else 0)
    # Parts that are shared in the file are separate in memory.
    found.subgraphs[0].tensors[0].shape[0] = 9
    assert found.subgraphs[0].tensors[2].shape[0] == 1


def test_tensors_that_differ_in_one_field_stay_apart() -> None:
    model = _model(4)
    model.subgraphs[0].tensors[2].quantization.scale = [0.25]
    model.subgraphs[0].tensors[3].shape = [1, 8]
    found = model_io.read(model_io.write(model)).subgraphs[0].tensors
    assert [list(tensor.quantization.scale) for tensor in found] == [[0.5], [0.5], [0.25], [0.5]]
    assert [list(tensor.shape) for tensor in found] == [[1, 7], [1, 7], [1, 7], [1, 8]]


def test_data_lies_at_multiples_of_16(variants: dict[str, Converted]) -> None:
    """The schema asks for it (force_align), and vector units for the schema's sake."""
    for variant in variants.values():
        content = variant.path.read_bytes()
        model = schema.Model.GetRootAs(content, 0)
        for place in range(model.BuffersLength()):
            buffer = model.Buffers(place)
            if buffer.DataLength():
                # The vector's place in the file: its field's, by way of the table's.
                start = buffer._tab.Vector(buffer._tab.Offset(4))
                assert start % 16 == 0


@pytest.mark.parametrize("name", ["float32", "int8", "int4_embeddings"])
def test_writing_again_changes_nothing(name: str, variants: dict[str, Converted]) -> None:
    content = variants[name].path.read_bytes()
    assert model_io.write(model_io.read(content)) == content


def test_inputs_are_called_as_in_the_signature(variants: dict[str, Converted], columns: Columns) -> None:
    interpreter = Interpreter(model_path=str(variants["float32"].path))
    names = {detail["name"] for detail in interpreter.get_input_details()}
    assert names == set(columns)
    assert DeviceModel(interpreter).inputs.keys() == columns.keys()
