"""Objects of listed classes as JSON, and back: what is kept is their state, and reading it runs no code it names.

A pickle names functions, and whoever loads it calls them. Here a class is looked up in a list that the reader has, and
an object of it is made by the two methods of Python's copy protocol, __getstate__ and __setstate__.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_PLAIN = frozenset({type(None), bool, int, float, str})


class StateCodec:
    """Plain values, containers of them, NumPy's numbers and arrays, and objects of the classes given.

    Args:
        classes: those that may be in what is encoded, or named in what is decoded.
    """

    def __init__(self, *classes: type[Any]) -> None:
        self._classes = {f"{one.__module__}.{one.__qualname__}": one for one in classes}
        self._encoders: Mapping[type[Any], Callable[[Any], Any]] = {
            list: lambda value: [self._encoded(item) for item in value],
            tuple: lambda value: {"tuple": [self._encoded(item) for item in value]},
            dict: lambda value: {"dict": self._pairs(value)},
            Counter: lambda value: {"counter": self._pairs(value)},
            bytes: lambda value: {"bytes": _text(value)},
            np.ndarray: _encoded_array,
        }
        self._decoders: Mapping[str, Callable[[Any], Any]] = {
            "tuple": lambda content: tuple(self._decoded(item) for item in content),
            "dict": lambda content: dict(self._unpaired(content)),
            "counter": lambda content: Counter(dict(self._unpaired(content))),
            "bytes": base64.b64decode,
            "array": _decoded_array,
            "number": lambda content: _decoded_array(content)[()],
            "object": self._made,
        }

    def encode(self, value: Any) -> bytes:
        """The value as JSON, in ASCII.

        Raises:
            TypeError: if there is an object in it of a class that is not listed.
        """
        return json.dumps(self._encoded(value), separators=(",", ":")).encode("ascii")

    def decode(self, content: bytes) -> Any:
        """The value that `encode` was given.

        Raises:
            ValueError: if the content is of no such form, or names a class that is not listed.
        """
        return self._decoded(json.loads(content))

    def _encoded(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind in self._encoders:
            return self._encoders[kind](value)
        if isinstance(value, np.generic):
            return {"number": _encoded_array(np.asarray(value))["array"]}
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name not in self._classes:
            raise TypeError(f"expected plain values or one of {', '.join(self._classes)}. Received: {name}")
        return {"object": [name, self._encoded(value.__getstate__())]}

    def _decoded(self, stored: Any) -> Any:
        if isinstance(stored, list):
            return [self._decoded(item) for item in stored]
        if not isinstance(stored, dict):
            return stored
        ((kind, content),) = stored.items()
        if kind not in self._decoders:
            raise ValueError(f"expected one of {', '.join(self._decoders)}. Received: {kind}")
        return self._decoders[kind](content)

    def _pairs(self, value: Mapping[Any, Any]) -> list[Any]:
        return [[self._encoded(key), self._encoded(item)] for key, item in value.items()]

    def _unpaired(self, content: list[Any]) -> list[tuple[Any, Any]]:
        return [(self._decoded(key), self._decoded(item)) for key, item in content]

    def _made(self, content: list[Any]) -> Any:
        name, state = content[0], self._decoded(content[1])
        if name not in self._classes:
            raise ValueError(f"expected one of {', '.join(self._classes)}. Received: {name}")
        kind: Any = self._classes[name]
        made = kind.__new__(kind)
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
            return made
        # As object.__getstate__ gives it: the attributes, or these and the slots.
        for attributes in state if isinstance(state, tuple) else (state,):
            for attribute, value in (attributes or {}).items():
                setattr(made, attribute, value)
        return made


def _encoded_array(value: Any) -> dict[str, list[Any]]:
    if value.dtype.hasobject:
        raise TypeError(f"expected an array of numbers. Received: one of {value.dtype}")
    return {"array": [value.dtype.str, list(value.shape), _text(value.tobytes())]}


def _decoded_array(content: list[Any]) -> Any:
    dtype, shape, text = content
    return np.frombuffer(base64.b64decode(text), np.dtype(dtype)).reshape(shape).copy()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
