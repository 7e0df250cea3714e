"""An Examples artifact laid from stored spans, and read back."""

import json
import os
import shutil
from pathlib import Path

import pytest

from components.data.span_store import SPANS_FILE, StoredSpan, link_spans, read_spans


@pytest.fixture
def spans(tmp_path: Path) -> list[StoredSpan]:
    """Two stored spans; the second has two shards in train and none in test."""
    return [
        store(tmp_path / "store" / "one", 1, {"train": ["a"], "test": ["a"]}),
        store(tmp_path / "store" / "twelve", 12, {"train": ["a", "b"], "test": []}),
    ]


def store(folder: Path, span: int, shards: dict[str, list[str]]) -> StoredSpan:
    """A stored span whose shards hold their own names."""
    for split, names in shards.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        for name in names:
            (folder / f"Split-{split}" / f"{name}.gz").write_text(f"{span} {split} {name}", encoding="utf-8")
    return StoredSpan(span, str(folder), {split: len(names) for split, names in shards.items()})


def listing(folder: Path) -> list[str]:
    """Files below the folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_shards_lie_in_their_split_under_the_name_of_their_span(spans: list[StoredSpan], tmp_path: Path) -> None:
    link_spans(spans, tmp_path / "examples", ("train", "test"))

    assert listing(tmp_path / "examples") == [
        "Split-test/span-01-a.gz",
        "Split-train/span-01-a.gz",
        "Split-train/span-12-a.gz",
        "Split-train/span-12-b.gz",
        SPANS_FILE,
    ]
    assert (tmp_path / "examples" / "Split-train" / "span-12-b.gz").read_text(encoding="utf-8") == "12 train b"


def test_a_shard_is_not_written_twice_on_one_file_system(spans: list[StoredSpan], tmp_path: Path) -> None:
    link_spans(spans, tmp_path / "examples", ("train",))

    assert (tmp_path / "examples" / "Split-train" / "span-01-a.gz").samefile(
        Path(spans[0].folder) / "Split-train" / "a.gz"
    )


def test_where_links_are_refused_the_shard_is_copied(
    spans: list[StoredSpan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)

    link_spans(spans, tmp_path / "examples", ("train",))

    shard = tmp_path / "examples" / "Split-train" / "span-01-a.gz"
    assert shard.read_text(encoding="utf-8") == "1 train a"
    assert not shard.samefile(Path(spans[0].folder) / "Split-train" / "a.gz")


def test_spans_are_read_back_as_they_were(spans: list[StoredSpan], tmp_path: Path) -> None:
    link_spans(spans, tmp_path / "examples", ("train", "test"))

    assert read_spans(tmp_path / "examples") == spans
    assert [span.name for span in spans] == ["span-01", "span-12"]


def test_a_span_whose_store_is_gone_is_laid_out_from_the_artifact(spans: list[StoredSpan], tmp_path: Path) -> None:
    link_spans(spans, tmp_path / "examples", ("train", "test"))
    shutil.rmtree(spans[1].folder)

    first, second = read_spans(tmp_path / "examples")

    assert first == spans[0]
    assert Path(second.folder).name == Path(spans[1].folder).name  # what was computed of its content still serves
    assert (second.span, second.rows) == (12, {"train": 2, "test": 0})
    assert listing(Path(second.folder)) == ["Split-train/a.gz", "Split-train/b.gz"]
    assert read_spans(tmp_path / "examples") == [first, second]  # a second reader finds it laid out


def test_a_span_that_is_laid_out_is_not_taken_for_examples(spans: list[StoredSpan], tmp_path: Path) -> None:
    link_spans(spans, tmp_path / "examples", ("train", "test"))
    shutil.rmtree(tmp_path / "store")

    read_spans(tmp_path / "examples")

    assert sorted(path.parent.name for path in (tmp_path / "examples").glob("Split-*/*.gz")) == [
        "Split-test",
        "Split-train",
        "Split-train",
        "Split-train",
    ]


def test_a_hundredth_span_is_not_taken_for_the_tenth(tmp_path: Path) -> None:
    spans = [store(tmp_path / name, number, {"train": ["a"]}) for name, number in (("ten", 10), ("hundred", 100))]
    link_spans(spans, tmp_path / "examples", ("train",))
    for span in spans:
        shutil.rmtree(span.folder)

    restored = read_spans(tmp_path / "examples")

    assert [listing(Path(span.folder)) for span in restored] == [["Split-train/a.gz"]] * 2
    assert (Path(restored[0].folder) / "Split-train" / "a.gz").read_text(encoding="utf-8") == "10 train a"


def test_the_listing_says_what_the_artifact_holds(spans: list[StoredSpan], tmp_path: Path) -> None:
    link_spans(spans, tmp_path / "examples", ("train",))

    assert json.loads((tmp_path / "examples" / SPANS_FILE).read_text(encoding="utf-8")) == [
        {"span": 1, "folder": spans[0].folder, "rows": {"train": 1, "test": 1}},
        {"span": 12, "folder": spans[1].folder, "rows": {"train": 2, "test": 0}},
    ]
