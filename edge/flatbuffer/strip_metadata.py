"""What a .tflite file carries that no runtime needs."""

from typing import Any

from edge.flatbuffer import model_io


def slim(content: bytes) -> bytes:
    """The same model without inner tensors' names, empty quantization records, the converter's notes, unused buffers.

    They are about 60 bytes for each of hundreds of tensors: a tenth of a small int8 model. Inputs and outputs are
    called as the signature calls them.
    """
    model = model_io.read(content)
    for subgraph in model.subgraphs:
        ends = {int(index) for index in (*subgraph.inputs, *subgraph.outputs)}
        for index, tensor in enumerate(subgraph.tensors):
            if index not in ends:
                tensor.name = None
            if _says_nothing(tensor.quantization):
                tensor.quantization = None
    _name_ends(model)
    # The converter's own record of how it was called, and a minimum runtime that is not true of quantized layers.
    model.metadata = [entry for entry in model.metadata or () if bytes(entry.name) not in _NOTES] or None
    _drop_buffers(model)
    return model_io.write(model)


_NOTES = frozenset({b"CONVERSION_METADATA", b"min_runtime_version"})


def _name_ends(model: Any) -> None:
    for signature in model.signatureDefs or ():
        tensors = model.subgraphs[signature.subgraphIndex].tensors
        for end in (*signature.inputs, *signature.outputs):
            tensors[end.tensorIndex].name = end.name


def _says_nothing(quantization: Any) -> bool:
    return quantization is not None and quantization.scale is None and quantization.details is None


def _drop_buffers(model: Any) -> None:
    """Renumbers the buffers: 0 stays, by convention empty, and stands for every tensor without data.

    Buffers of equal data become one.
    """
    buffers = [model.buffers[0]]
    places: dict[bytes, int] = {}
    for owner in [*(tensor for subgraph in model.subgraphs for tensor in subgraph.tensors), *(model.metadata or ())]:
        data = model.buffers[owner.buffer].data
        if data is None or len(data) == 0:
            owner.buffer = 0
            continue
        content = bytes(bytearray(data))
        if content not in places:
            places[content] = len(buffers)
            buffers.append(model.buffers[owner.buffer])
        owner.buffer = places[content]
    model.buffers, model.metadataBuffer = buffers, None  # the latter, long deprecated, numbered the old buffers
