"""Why a node ran: what it was given, beside what it was given when it last succeeded."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schema.first_few import first_few

FIRST = "first run of this node"
CACHING_OFF = "caching is off (--no-cache)"
GONE = "earlier result is gone"
SOURCE = "changed source"
# What the cache's key holds beside settings and inputs.
DEFINITION = "changed definition: class, outputs or Beam arguments of the node"
NOT_CHOSEN = "not chosen (--from/--to/--only)"
NOT_BEGUN = "stopped before it began"
NO_MODEL = "no other model was released before this one"

_NAMED = 3
_ABSENT = object()
_SOURCE_KEY = "fingerprint"
# Its keys are names enough: it holds all settings of the nodes that have it.
_WRAPPER = "custom_config."
_DATA_KEY = "input_fingerprint"
# TFX's driver works these out of the data; where the data are others, they follow.
_OF_DATA = ("input_config", "span", "version")
_SPANS = re.compile(r"\d+:\w+(,\d+:\w+)*")


@dataclass(frozen=True)
class Given:
    """What an execution was given.

    Attributes:
        properties: settings by name, some of which are JSON, with JSON in it.
        inputs: ids of artifacts, in order, by the input's name.
    """

    properties: Mapping[str, Any]
    inputs: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Before:
    """A node's executions in earlier runs.

    Attributes:
        given: what the newest success was given; None if there is none.
        kept: whether its result is still there.
        attempt: what became of the newest of all, such as `failed`; empty if it succeeded, or there is none.
    """

    given: Given | None = None
    kept: bool = True
    attempt: str = ""


def why_ran(now: Given, before: Before, producers: Mapping[str, str], *, caching: bool) -> str:
    """The causes, the most telling first, joined with semicolons.

    Args:
        now: what the node is given in this run.
        before: its executions in earlier runs.
        producers: the node that an input comes from, by the input's name.
        caching: whether an earlier result may be taken at all.
    """
    attempt = [f"the last attempt {before.attempt}"] if before.attempt else []
    if before.given is None:
        return "; ".join(attempt or [FIRST])
    causes = [] if caching else [CACHING_OFF]
    causes += changes(before.given, now, producers)
    if not causes:
        causes.append(DEFINITION if before.kept else GONE)
    return "; ".join([*causes, *attempt])


def changes(before: Given, now: Given, producers: Mapping[str, str]) -> list[str]:
    """What differs, a sentence fragment for each kind of difference."""
    paths = _changed(before.properties, now.properties)
    data = _DATA_KEY in paths
    settings = [path for path in paths if not (path == _DATA_KEY or (data and path.split(".")[0] in _OF_DATA))]
    source = [path for path in settings if path.split(".")[-1] == _SOURCE_KEY]
    found = [SOURCE] if source else []
    if data:
        found += _changed_spans(*(str(given.properties.get(_DATA_KEY, "")) for given in (before, now)))
    found += _changed_inputs(before.inputs, now.inputs, producers)
    return found + _listed("changed setting", [path for path in settings if path not in source])


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Paths of the values that differ, in order."""
    old, new = dict(_leaves(before)), dict(_leaves(now))
    return sorted(path for path in {**old, **new} if old.get(path, _ABSENT) != new.get(path, _ABSENT))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Values by path; a list is one value, since its places are no names."""
    held = _decoded(value)
    if not isinstance(held, Mapping) or not held:
        yield path.removeprefix(_WRAPPER), held
        return
    for key, below in held.items():
        yield from _leaves(below, f"{path}.{key}" if path else key)


def _decoded(value: Any) -> Any:
    """The mapping that a text is the JSON of; anything else as it is."""
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _changed_spans(before: str, now: str) -> list[str]:
    """The spans of which the fingerprints `number:digest,...` tell that they differ; just so much of any others."""
    if not (_SPANS.fullmatch(before) and _SPANS.fullmatch(now)):
        return ["changed data"]
    old, new = (dict(part.split(":") for part in text.split(",")) for text in (before, now))
    return [
        *_listed("new span", [span for span in new if span not in old]),
        *_listed("changed span", [span for span in new if span in old and new[span] != old[span]]),
        *_listed("left out span", [span for span in old if span not in new]),
    ]


def _changed_inputs(
    before: Mapping[str, Sequence[int]], now: Mapping[str, Sequence[int]], producers: Mapping[str, str]
) -> list[str]:
    keys = sorted({**before, **now})
    others = [key for key in keys if list(before.get(key, ())) != list(now.get(key, ()))]
    new = [_input_name(key, producers) for key in others if now.get(key)]
    gone = [_input_name(key, producers) for key in others if not now.get(key)]
    return [*_listed("new input", new), *_listed("input gone", gone)]


def _input_name(key: str, producers: Mapping[str, str]) -> str:
    # What a condition reads is an input called `_Node.output`.
    name = key.rpartition(".")[2] if key.startswith("_") else key
    return f"{name} from {producers[key]}" if key in producers else name


def _listed(kind: str, names: Sequence[str]) -> list[str]:
    """`kind: a, b, c and 4 more`, each name once; nothing of no names."""
    once = list(dict.fromkeys(names))
    return [f"{kind}: {first_few(once, _NAMED, ', ')}"] if once else []


def why_cached(made_in: str, *, newest: bool) -> str:
    """Why an earlier result was taken.

    Args:
        made_in: the run that made it.
        newest: whether the node's newest success had this result; otherwise the node is back at an older one.
    """
    return f"nothing changed since run {made_in}" if newest else f"the same as in run {made_in}"


def why_answered(now: Collection[int], before: Collection[int] | None) -> str:
    """What a resolver's answer is beside its last one.

    Args:
        now: ids of the models that it found, none or one.
        before: the same in the newest earlier run; None if there is none.
    """
    if not now:
        return NO_MODEL
    if before is None:
        return FIRST
    if not before:
        return "a model has been released since"
    return "the same model as before" if set(now) == set(before) else "another model than before"


def why_not_reached(failed: Sequence[str], *, interrupted: bool) -> str:
    """Why a node that was to run did not begin.

    Args:
        failed: the nodes that ended the run.
        interrupted: whether they were interrupted.
    """
    if not failed:
        return NOT_BEGUN
    names = " and ".join(failed)
    return f"not reached: interrupted in {names}" if interrupted else f"not reached: {names} failed"
