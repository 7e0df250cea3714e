"""Spans on disk and the window of them that a run trains on."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from schema.errors import InputError

_SPAN = re.compile(r"\{SPAN(?::(\d+))?\}")
_SHOWN = 3


@dataclass(frozen=True)
class Window:
    """Spans from `first` to `last`, both inclusive; None leaves that end open."""

    first: int | None = None
    last: int | None = None

    def __contains__(self, span: int) -> bool:
        return (self.first is None or span >= self.first) and (self.last is None or span <= self.last)

    def __str__(self) -> str:
        return f"{'' if self.first is None else self.first}:{'' if self.last is None else self.last}"


def parse_window(text: str) -> Window:
    """The window written as `first:last`; either end may be left out, and a lone number is one span.

    Raises:
        InputError: if it is written otherwise or ends before it begins.
    """
    match = re.fullmatch(r"([0-9]*)(:?)([0-9]*)", text)
    if match is None or not text:
        raise InputError(f"--span-window: expected first:last, such as 1:9 or 10:. Received: {text!r}")
    first, colon, last = match.groups()
    window = Window(int(first) if first else None, int(last or first) if last or (first and not colon) else None)
    if window.first is not None and window.last is not None and window.first > window.last:
        raise InputError(f"--span-window: the window ends before it begins. Received: {text!r}")
    return window


def find_spans(folder: Path, pattern: str) -> dict[int, tuple[Path, ...]]:
    """Files of each span below `folder`, spans and files in order.

    Args:
        folder: where the spans are.
        pattern: a glob of `*`, `?` and `[...]` with `{SPAN:width}`, or `{SPAN}` for numbers without leading zeros, in
            TFX's notation.

    Raises:
        InputError: if the folder is absent, the pattern has no {SPAN}, or a file fits but for its number's width: it
            would be left out in silence.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such data folder. Name one with --data, or as data.path in problem.yaml, relative to the "
            "working directory (on Kubeflow to kubeflow.storage)"
        )
    placeholder = _SPAN.search(pattern)
    if placeholder is None:
        raise InputError(f"data.pattern: expected a {{SPAN}} placeholder. Received: {pattern!r}")
    before, width, after = pattern[: placeholder.start()], placeholder.group(1), pattern[placeholder.end() :]
    exact = _shape(before, f"[0-9]{{{width}}}" if width else "0|[1-9][0-9]*", after)
    loose = _shape(before, "[0-9]+", after)
    spans: dict[int, list[Path]] = {}
    for path in _files(folder, f"{before}[0-9]{'' if after.startswith('*') else '*'}{after}"):
        name = path.relative_to(folder).as_posix()
        match = exact.fullmatch(name)
        if match:
            spans.setdefault(int(match.group(1)), []).append(path)
        elif loose.fullmatch(name):
            expected = f"{width} digits" if width else "a number without leading zeros"
            raise InputError(f"{path}: does not fit data.pattern '{pattern}'. Expected {expected} for its span.")
    return {span: tuple(spans[span]) for span in sorted(spans)}


def _files(folder: Path, glob: str) -> list[Path]:
    return sorted(path for path in folder.glob(glob) if path.is_file())


def _shape(before: str, number: str, after: str) -> re.Pattern[str]:
    return re.compile(f"{_glob_regex(before)}({number}){_glob_regex(after)}")


def _glob_regex(glob: str) -> str:
    return "".join(map(_piece_regex, re.split(r"(\*|\?|\[[^]]+])", glob)))


def _piece_regex(piece: str) -> str:
    if piece.startswith("[") and piece.endswith("]"):
        return piece.replace("[!", "[^", 1)
    # As little as fits: the digits beside a wildcard belong to the span.
    return {"*": "[^/]*?", "?": "[^/]"}.get(piece, re.escape(piece))


def select(folder: Path, pattern: str, window: Window) -> dict[int, tuple[Path, ...]]:
    """The spans of the window.

    A window may have gaps, but the ends that it names must be there: fewer spans than were asked for would go unseen.

    Raises:
        InputError: if there is none, or none at an end that the window names; says which spans there are.
    """
    spans = find_spans(folder, pattern)
    if not spans:
        raise InputError(f"{folder}: no file fits data.pattern '{pattern}'. {_content(folder)}")
    there = f"{folder} has spans {_ranges(spans)}."
    chosen = {span: files for span, files in spans.items() if span in window}
    if not chosen:
        raise InputError(f"--span-window: no data in spans {window}. {there}")
    for end in (window.first, window.last):
        if end is not None and end not in chosen:
            raise InputError(f"--span-window: no data in span {end}, an end of the window {window}. {there}")
    return chosen


def _content(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    more = ", ..." if len(names) > _SHOWN else ""
    return f"The folder has {', '.join(names[:_SHOWN])}{more}" if names else "The folder is empty."


def _ranges(spans: Iterable[int]) -> str:
    """`1 to 4, 6` of 1, 2, 3, 4 and 6."""
    runs = [[span for _, span in run] for _, run in groupby(enumerate(spans), lambda place: place[1] - place[0])]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def fingerprint(files: tuple[Path, ...]) -> str:
    """Digest of the names and contents of one span's files."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            digest.update(f"{path.name}:{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
