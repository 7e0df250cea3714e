"""Spans on disk and the window of them that a run trains on."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from schema.errors import InputError

_SPAN = re.compile(r"\{SPAN(?::(\d+))?\}")


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
    match = re.fullmatch(r"(\d*)(:?)(\d*)", text)
    if match is None:
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
        pattern: a glob with `{SPAN}` or `{SPAN:width}`, TFX's notation.

    Raises:
        InputError: if the folder is absent or the pattern has no {SPAN}.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such data folder. Name one with --data, or build the sample: make data")
    placeholder = _SPAN.search(pattern)
    if placeholder is None:
        raise InputError(f"data.pattern: expected a {{SPAN}} placeholder. Received: {pattern!r}")
    width = placeholder.group(1)
    number = rf"(\d{{{width}}})" if width else r"(\d+)"
    before, after = pattern[: placeholder.start()], pattern[placeholder.end() :]
    shape = re.compile(_glob_regex(before) + number + _glob_regex(after))
    spans: dict[int, list[Path]] = {}
    for path in sorted(folder.glob(f"{before}*{after}")):
        match = shape.fullmatch(path.relative_to(folder).as_posix())
        if match and path.is_file():
            spans.setdefault(int(match.group(1)), []).append(path)
    return {span: tuple(spans[span]) for span in sorted(spans)}


def _glob_regex(glob: str) -> str:
    return re.escape(glob).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def select(folder: Path, pattern: str, window: Window) -> dict[int, tuple[Path, ...]]:
    """The spans of the window.

    Raises:
        InputError: if there is none; says which spans there are.
    """
    spans = find_spans(folder, pattern)
    if not spans:
        raise InputError(f"{folder}: no file fits '{pattern}'")
    chosen = {span: files for span, files in spans.items() if span in window}
    if not chosen:
        raise InputError(f"--span-window: no data in spans {window}. {folder} has spans {min(spans)} to {max(spans)}.")
    return chosen


def fingerprint(files: tuple[Path, ...]) -> str:
    """Digest of the names and contents of one span's files."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            digest.update(f"{path.name}:{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
