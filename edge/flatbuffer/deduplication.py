"""Flatbuffers in which equal parts are stored once."""

from collections.abc import Hashable
from typing import Any

import flatbuffers
import numpy as np

from edge.runtime.litert_model import Array

# The schema asks for it (force_align of Buffer.data), and the code generated for Python leaves it out.
_DATA_ALIGNMENT = 16


class SharingBuilder(flatbuffers.Builder):
    """A Builder that points a second time at the string, vector or table that it has written already.

    Readers follow offsets, so nothing shows of it but the size: hundreds of tensors share a few dozen shapes and
    scales, and those alike in all share one table. Who changes a part in place changes it for all that share it.
    """

    current_vtable: list[int] | None

    def __init__(self, initial_bytes: int = 1 << 20) -> None:
        super().__init__(initial_bytes)
        # Places and targets are counted from the end of the file, since it grows at its front.
        self._known: dict[Hashable, int] = {}
        self._targets: list[tuple[int, int]] = []
        self._before = self._start = self._alignment = 0

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        """Writes a string with the zero that ends it."""
        content = s.encode(encoding, errors) if isinstance(s, str) else s
        return self._payload(content + b"\0", len(content), 1, 4)

    def CreateNumpyVector(self, x: Array) -> int:  # noqa: N802
        """Writes a vector; bytes, which are the data of buffers, at a multiple of 16."""
        alignment = _DATA_ALIGNMENT if x.dtype == np.uint8 else max(4, x.itemsize)
        return self._payload(x.astype(x.dtype.newbyteorder("<")).tobytes(), x.size, x.itemsize, alignment)

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803
        """Begins a vector of `numElems` elements of `elemSize` bytes."""
        self._before, self._alignment, self._targets = self.Offset(), max(4, alignment), []
        self._start = int(super().StartVector(elemSize, numElems, alignment))
        return self._start

    def EndVector(self, numElems: int | None = None) -> int:  # noqa: N802, N803
        """Ends a vector, or takes it back if there is an equal one."""
        found = (self.vectorNumElems, self._alignment, *self._content(self._start))
        written = int(super().EndVector(numElems))
        return self._shared(found, written, self._before)

    def StartObject(self, numfields: int) -> None:  # noqa: N802
        """Begins a table of at most `numfields` fields."""
        self._targets = []
        super().StartObject(numfields)

    def EndObject(self) -> int:  # noqa: N802
        """Ends a table, or takes it back if there is an equal one."""
        start = int(self.objectEnd)
        fields = tuple(place and place - start for place in self.current_vtable or ())
        found = (fields, *self._content(start))
        if found in self._known:
            # Before its vtable is written, which an equal table has already.
            self.current_vtable, self.nested = None, False
        return self._shared(found, 0 if found in self._known else int(super().EndObject()), start)

    def PrependUOffsetTRelative(self, off: int) -> None:  # noqa: N802
        """Writes the distance to a part."""
        super().PrependUOffsetTRelative(off)
        self._targets.append((self.Offset(), off))

    def _payload(self, content: bytes, count: int, item_bytes: int, alignment: int) -> int:
        found = (count, alignment, content, ())
        if found not in self._known:
            self.StartVector(item_bytes, len(content) // item_bytes, alignment)
            self.head -= len(content)
            self.Bytes[self.head : self.head + len(content)] = content
            self.vectorNumElems = count
            self._known[found] = int(super().EndVector())
        return self._known[found]

    def _content(self, start: int) -> tuple[bytes, tuple[Any, ...]]:
        """What was written since `start`, in which distances are blank, and what these point at and where they are."""
        end = self.Offset()
        content = bytearray(self.Bytes[self.head : self.head + end - start])
        for place, _ in self._targets:
            content[end - place : end - place + 4] = bytes(4)
        return bytes(content), tuple((place - start, target) for place, target in self._targets)

    def _shared(self, found: Hashable, written: int, before: int) -> int:
        """The place of an equal part, if there is one, in which case all written since `before` is taken back."""
        if found in self._known:
            self.head = len(self.Bytes) - before
            return self._known[found]
        self._known[found] = written
        return written
