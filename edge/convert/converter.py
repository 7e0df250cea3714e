"""Device-form SavedModels to .tflite files, in child processes."""

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edge.convert import recipes, variant_cache
from edge.convert.child_processes import Children, environment
from edge.convert.conversion_worker import MARK
from edge.convert.error_summary import gist
from edge.convert.variant_cache import VariantCache
from edge.flatbuffer import model_io
from edge.flatbuffer.operator_versions import minimum_runtime
from edge.runtime import npz_rows
from edge.runtime.litert_model import Columns
from schema.child import child_command
from schema.errors import InputError

# Training rows, an array [N] for each feature (a few thousand rows), or what reads them: it is called once, while the
# converting processes load TensorFlow.
Calibration = Columns | Callable[[], Columns]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Converted:
    """One variant's file.

    Attributes:
        recipe: the recipe's name.
        path: the .tflite file.
        bytes: its size.
        operators: names of the builtin operators it uses, sorted.
        seconds: from the start of its recipe in its process to its file, with what it loads and waits for, but
            without the float32 file it is made from; 0 if it was cached.
        backend: what quantized it, see recipes.Recipe.
        technique: the training-time part, or None.
        minimum_runtime: the oldest TFLite release that computes it, such as "2.5.0", or "unknown".
    """

    recipe: str
    path: Path
    bytes: int
    operators: tuple[str, ...]
    seconds: float
    backend: str
    technique: str | None
    minimum_runtime: str


def convert_each(
    models: Mapping[str | None, Path],
    names: Sequence[str],
    folder: Path,
    calibration: Calibration | None = None,
    cache: Path | None = None,
) -> tuple[list[Converted], dict[str, str]]:
    """Converts by several recipes, in as many processes at once as there are cores.

    Each process lives for one SavedModel or one recipe. One that fails or crashes costs no other recipe its file, and
    none is left behind, whatever happens. The bytes do not depend on what runs beside what.

    Args:
        models: by technique, the folder of a device form; its `serving_default` takes one tensor [None] a raw feature,
            of dtype string, int64 or float32, and returns `score`, float32 [None, k]. None is the trained model's.
        names: recipes, see recipes.RECIPES.
        folder: made if absent; gets <recipe>.tflite for each, each put in place by one rename.
        calibration: see Calibration; needed by some recipes.
        cache: folder of earlier results, made if absent. What was made of the same weights by the same recipe, source,
            library versions and calibration rows is not made again.

    Returns:
        What was converted, in the order of `names`, and for each other recipe why it was not, in one line.

    Raises:
        InputError: for an unknown recipe, an absent SavedModel, or a recipe that lacks its calibration rows.
    """
    _check(models, names, calibration)
    folder.mkdir(parents=True, exist_ok=True)
    kept = VariantCache(cache) if cache else None
    # The first to end is the last named: without children the threads that wait for them end, then the folder goes.
    with (
        tempfile.TemporaryDirectory(prefix=".convert-", dir=folder) as scratch,
        ThreadPoolExecutor(_cores()) as pool,
        Children(environment()) as children,
    ):
        conversion = _Conversion(models, names, Path(scratch), children, kept, calibrated=calibration is not None)
        conversion.run(pool, calibration)
        made = [conversion.place(name, folder) for name in names if name not in conversion.failed]
    if kept:
        kept.prune()
    return made, {name: conversion.failed[name] for name in names if name in conversion.failed}


@dataclass
class _Conversion:
    """The state of one call: where things are, and what has failed."""

    models: Mapping[str | None, Path]
    names: Sequence[str]
    scratch: Path
    children: Children
    cache: VariantCache | None
    calibrated: bool
    failed: dict[str, str] = field(default_factory=dict)
    rows: "Future[str]" = field(default_factory=Future)

    def run(self, pool: ThreadPoolExecutor, calibration: Calibration | None) -> None:
        """Makes every file, or says why not."""
        techniques = list(dict.fromkeys(recipes.find(name).technique for name in self.names))
        first = [pool.submit(self._start, technique) for technique in techniques]
        self._read_rows(calibration)
        rest = [pool.submit(partial(self._finish, name)) for done in as_completed(first) for name in done.result()]
        for done in as_completed(rest):
            done.result()

    def place(self, name: str, folder: Path) -> Converted:
        """Puts a file that is made into its folder."""
        recipe, made, path = recipes.find(name), self.scratch / f"{name}.tflite", folder / f"{name}.tflite"
        model = model_io.read(made.read_bytes())
        operators = tuple(sorted({operator.name for operator in model_io.operators(model)}))
        took = self.scratch / f"{name}.seconds"
        seconds = float(took.read_text(encoding="ascii")) if took.exists() else 0.0
        made.replace(path)
        size = path.stat().st_size
        return Converted(name, path, size, operators, seconds, recipe.backend, recipe.technique, minimum_runtime(model))

    def _start(self, technique: str | None) -> list[str]:
        """Makes the float32 file and what the converter quantizes; gives the recipes that remain to be made of it."""
        names = [name for name in self.names if recipes.find(name).technique == technique]
        base, saved_model = self._base(technique), self.models[technique]
        key = variant_cache.key("float32", variant_cache.saved_model_digest(saved_model)) if self.cache else ""
        self._find(key, base)
        if base.is_file():
            names = [name for name in names if not self._cached(name)]
        by_converter = [name for name in names if recipes.find(name).backend == recipes.TF_CONVERTER]
        others = [name for name in names if name not in by_converter]
        known = base.is_file()
        while by_converter or not base.is_file():
            reason = self._convert(saved_model, base, by_converter)
            by_converter = [name for name in by_converter if not self._is_made(name)]
            if not base.is_file():
                self.failed |= dict.fromkeys(names, reason)
                return []
            if by_converter:
                self.failed[by_converter.pop(0)] = reason
            elif reason:
                _LOG.warning("all files are made, and then: %s", reason)
        if not known:
            self._keep(key, base)
        for name in names:
            if self._is_made(name):
                self._keep(self._key(name), self._made(name))
        return others

    def _finish(self, name: str) -> None:
        reason = self._convert(None, self._base(recipes.find(name).technique), [name])
        if self._is_made(name):
            self._keep(self._key(name), self._made(name))
        else:
            self.failed[name] = reason

    def _convert(self, saved_model: Path | None, base: Path, names: Sequence[str]) -> str:
        """Runs one process; gives what went wrong, in one line, or nothing."""
        flags = ["--float32", str(base), "--folder", str(self.scratch)]
        flags += ["--saved_model", str(saved_model)] if saved_model else []
        for name in names:
            flags += ["--recipe", name]
        needs = any(recipes.find(name).needs_calibration for name in names)
        flags += ["--calibration", str(self._rows_file())] if needs else []
        _LOG.info("converting %s: %s", saved_model or base.stem, ", ".join(names) or "float32 alone")
        code, told = self.children.run(
            child_command("edge.convert.conversion_worker", flags), self.rows.result if needs else None
        )
        return "" if code == 0 else _failure(saved_model or base, code, told)

    def _read_rows(self, calibration: Calibration | None) -> None:
        """Writes the calibration rows where some recipe needs them, and lets go on who waits for them."""
        needing = [name for name in self.names if recipes.find(name).needs_calibration]
        if not needing or calibration is None:
            return
        try:
            columns = calibration() if callable(calibration) else calibration
            _check_rows(columns, needing[0])
            npz_rows.save(self._rows_file(), columns)
            self.rows.set_result(variant_cache.rows_digest(columns))
        except BaseException as error:
            self.rows.set_exception(error)
            raise

    def _cached(self, name: str) -> bool:
        self._find(self._key(name), self._made(name))
        return self._is_made(name)

    def _key(self, name: str) -> str:
        if not self.cache:
            return ""
        recipe = recipes.find(name)
        rows_digest = self.rows.result() if recipe.needs_calibration else ""
        return variant_cache.key(name, self._base(recipe.technique).read_bytes(), rows_digest)

    def _find(self, key: str, path: Path) -> None:
        content = self.cache.find(key) if self.cache else None
        if content is not None:
            path.write_bytes(content)

    def _keep(self, key: str, path: Path) -> None:
        if self.cache:
            self.cache.add(key, path.read_bytes())

    def _base(self, technique: str | None) -> Path:
        return self.scratch / f"{technique or 'trained'}.float32"

    def _made(self, name: str) -> Path:
        return self.scratch / f"{name}.tflite"

    def _is_made(self, name: str) -> bool:
        return self._made(name).is_file()

    def _rows_file(self) -> Path:
        return self.scratch / "calibration.npz"


def _check(models: Mapping[str | None, Path], names: Sequence[str], calibration: Calibration | None) -> None:
    if not names:
        raise InputError("no recipes to convert by. Received: an empty list")
    for name in names:
        recipe = recipes.find(name)
        if recipe.technique not in models:
            given = ", ".join(sorted(technique or "none" for technique in models)) or "nothing"
            raise InputError(f"recipe '{name}' needs a model fine-tuned by '{recipe.technique}'. Received: {given}")
        saved_model = models[recipe.technique]
        if not (saved_model / "saved_model.pb").is_file():
            raise InputError(f"{saved_model}: no SavedModel there (saved_model.pb is absent)")
        if recipe.needs_calibration and not calibration:
            raise _uncalibrated(name)


def _check_rows(columns: Columns, name: str) -> None:
    if not columns:
        raise _uncalibrated(name)


def _uncalibrated(name: str) -> InputError:
    return InputError(f"recipe '{name}' needs calibration rows. Received: none")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _failure(what: Path, code: int, output: str) -> str:
    ended = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return " ".join(f"{what}: conversion {ended}: {gist(output, MARK)}".split())
