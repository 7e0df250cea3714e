"""What a .tflite file carries that no runtime needs."""

from typing import Any

from edge import graph


def slim(content: bytes) -> bytes:
    """The same model without inner tensors' names, empty quantization records and unused buffers.

    They are about 60 bytes for each of hundreds of tensors: a tenth of a small int8 model.
    """
    model = graph.read(content)
    for subgraph in model.subgraphs:
        ends = {int(index) for index in (*subgraph.inputs, *subgraph.outputs)}
        for index, tensor in enumerate(subgraph.tensors):
            if index not in ends:
                tensor.name = None
            if _says_nothing(tensor.quantization):
                tensor.quantization = None
    _drop_buffers(model)
    return graph.write(model)


def _says_nothing(quantization: Any) -> bool:
    return quantization is not None and quantization.scale is None and quantization.details is None


def _drop_buffers(model: Any) -> None:
    """Renumbers the buffers: 0 stays, by convention empty, and stands for every tensor without data."""
    buffers = [model.buffers[0]]
    places: dict[int, int] = {}
    for owner in [*(tensor for subgraph in model.subgraphs for tensor in subgraph.tensors), *(model.metadata or ())]:
        data = model.buffers[owner.buffer].data
        if data is None or len(data) == 0:
            owner.buffer = 0
            continue
        if owner.buffer not in places:
            places[owner.buffer] = len(buffers)
            buffers.append(model.buffers[owner.buffer])
        owner.buffer = places[owner.buffer]
    model.buffers, model.metadataBuffer = buffers, None  # the latter, long deprecated, numbered the old buffers
