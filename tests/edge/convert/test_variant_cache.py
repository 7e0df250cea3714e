"""The cache: what it finds, what it notices, and what a conversion does not do again."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.convert.converter import Converted, convert_each
from edge.convert.variant_cache import VariantCache, key, rows_digest, saved_model_digest
from tests.edge import device_form

ROWS = device_form.rows(64, seed=1)


def test_an_entry_is_found_under_its_key_alone(tmp_path: Path) -> None:
    cache = VariantCache(tmp_path / "cache")
    cache.add("a", b"content")
    assert cache.find("a") == b"content"
    assert cache.find("b") is None
    cache.add("a", b"other")
    assert cache.find("a") == b"other"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a.tflite"]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:40] + b"?" + data[41:], lambda _: b""])
def test_a_damaged_entry_is_reported_and_gone(
    damage: Callable[[bytes], bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = VariantCache(tmp_path)
    cache.add("a", b"content" * 9)
    (tmp_path / "a.tflite").write_bytes(damage((tmp_path / "a.tflite").read_bytes()))
    assert cache.find("a") is None
    assert "a.tflite: damaged" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_the_entries_last_used_are_kept(tmp_path: Path) -> None:
    cache = VariantCache(tmp_path, keep=2)
    for place, name in enumerate("abc"):
        cache.add(name, b"content")
        _age(tmp_path / f"{name}.tflite", place)
    cache.find("a")
    cache.prune()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tflite", "c.tflite"]


def test_what_a_killed_addition_left_grows_old_too(tmp_path: Path) -> None:
    cache = VariantCache(tmp_path, keep=1)
    (tmp_path / ".left").write_bytes(b"half")
    _age(tmp_path / ".left", 1)
    cache.add("a", b"content")
    cache.prune()
    assert [path.name for path in tmp_path.iterdir()] == ["a.tflite"]


def _age(path: Path, second: int) -> None:
    os.utime(path, (second, second))


def test_a_key_depends_on_every_part_and_where_it_ends() -> None:
    assert key("ab", b"c") == key("ab", b"c")
    assert len({key("ab", b"c"), key("a", b"bc"), key("ab", b"d"), key("abc")}) == 4


def test_the_digest_of_rows_depends_on_names_types_values_and_order() -> None:
    rows = {"a": np.array([b"x", b"yz"], object), "n": np.array([1.0, 2.0], np.float32)}
    others = [
        {**rows, "a": np.array([b"xy", b"z"], object)},
        {**rows, "n": np.array([1.0, 2.0], np.float64)},
        {**rows, "n": rows["n"][::-1]},
        {"a": rows["a"], "m": rows["n"]},
    ]
    assert rows_digest(rows) == rows_digest(dict(reversed(rows.items())))
    assert len({rows_digest(rows), *map(rows_digest, others)}) == 5


def test_the_digest_of_a_saved_model_sees_its_weights(tmp_path: Path) -> None:
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables" / "variables.data").write_bytes(b"weights")
    first = saved_model_digest(tmp_path)
    (tmp_path / "fingerprint.pb").write_bytes(b"of this time")
    assert saved_model_digest(tmp_path) == first
    (tmp_path / "variables" / "variables.data").write_bytes(b"weighty")
    assert saved_model_digest(tmp_path) != first


def test_what_is_cached_is_not_converted_again(
    saved_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edge.convert.converter")
    cache, copy = tmp_path / "cache", shutil.copytree(saved_model, tmp_path / "saved")
    first = _converted(copy, ["float32", "int8"], tmp_path / "first", cache)
    assert len(caplog.records) == 1

    # Other recipes: only the new one is made, and the float32 file is not.
    caplog.clear()
    again = _converted(copy, ["int8", "float16"], tmp_path / "again", cache)
    assert [record.getMessage() for record in caplog.records] == ["converting trained: float16"]
    assert again["int8"].path.read_bytes() == first["int8"].path.read_bytes()
    assert (again["int8"].seconds, again["int8"].operators) == (0.0, first["int8"].operators)

    # Other calibration rows: what they calibrate is made anew, from the float32 file that there is.
    caplog.clear()
    others = device_form.rows(64, seed=2)
    convert_each({None: copy}, ["float32", "float16", "int8"], tmp_path / "rows", others, cache)
    assert [record.getMessage() for record in caplog.records] == [f"converting {copy}: int8"]

    # A damaged entry: it alone is made anew.
    caplog.clear()
    entry = _entry_of(cache, again["float16"])
    entry.write_bytes(entry.read_bytes()[:-1])
    _converted(copy, ["int8", "float16"], tmp_path / "damaged", cache)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.INFO] == [
        "converting trained: float16"
    ]
    assert "damaged" in caplog.text

    # A SavedModel of other weights: nothing is found. Here it is none at all, so all fails.
    next((copy / "variables").glob("*.data*")).write_bytes(b"poison")
    made, failed = convert_each({None: copy}, ["float32", "int8"], tmp_path / "other", ROWS, cache)
    assert (made, list(failed)) == ([], ["float32", "int8"])


def _converted(saved: Path, names: list[str], folder: Path, cache: Path) -> dict[str, Converted]:
    made, failed = convert_each({None: saved}, names, folder, ROWS, cache)
    assert failed == {}
    return {variant.recipe: variant for variant in made}


def _entry_of(cache: Path, variant: Converted) -> Path:
    return next(path for path in cache.iterdir() if path.read_bytes().endswith(variant.path.read_bytes()))
