"""Several subgraphs in one .tflite file: what is done to the first, done to each; and their constants, kept once."""

import copy
from collections.abc import Callable, Sequence

from edge.flatbuffer import constants, model_io


def of_signatures(content: bytes, names: Sequence[str]) -> list[int]:
    """Indices of the subgraphs that these signatures run, in the order of the names."""
    places = {
        definition.signatureKey.decode("utf-8"): int(definition.subgraphIndex)
        for definition in model_io.read(content).signatureDefs
    }
    return [places[name] for name in names]


def each(content: bytes, places: Sequence[int], change: Callable[[bytes], bytes]) -> bytes:
    """The file after `change`, which looks at the first subgraph alone, has been applied to each of these.

    Each takes the first place for as long. Whatever names subgraphs by their place, signatures and CALL_ONCE, is
    nothing that `change` may look at.
    """
    for place in places:
        content = _swapped(change(_swapped(content, place)), place)
    return content


def lead(content: bytes, name: str, other_name: str) -> bytes:
    """The same file, in which this signature's subgraph is the first, and answers under another name as well.

    The first is what an Interpreter runs that is given tensors and no signature's name. Python's own call by signature
    prepares the whole subgraph anew each time, which costs some forty times what a row does.
    """
    model = model_io.read(content)
    place = of_signatures(content, [name])[0]
    model.subgraphs[0], model.subgraphs[place] = model.subgraphs[place], model.subgraphs[0]
    moved = {0: place, place: 0}
    for definition in model.signatureDefs:
        definition.subgraphIndex = moved.get(definition.subgraphIndex, definition.subgraphIndex)
    again = copy.copy(next(entry for entry in model.signatureDefs if entry.signatureKey.decode("utf-8") == name))
    again.signatureKey = other_name.encode("utf-8")
    model.signatureDefs.append(again)
    return model_io.write(model)


def share_constants(content: bytes) -> bytes:
    """The same model, in which constants of equal bytes are one buffer, whichever subgraphs they stand in."""
    model = model_io.read(content)
    first: dict[bytes, int] = {}
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            data = model.buffers[tensor.buffer].data
            if data is not None and len(data):
                tensor.buffer = first.setdefault(bytes(data), tensor.buffer)
    constants.drop_unused_buffers(model)
    return model_io.write(model)


def _swapped(content: bytes, place: int) -> bytes:
    if place == 0:
        return content
    model = model_io.read(content)
    subgraphs = model.subgraphs
    subgraphs[0], subgraphs[place] = subgraphs[place], subgraphs[0]
    return model_io.write(model)
