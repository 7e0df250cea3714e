"""The node against TFX's own CsvExampleGen, row by row on awkward tables, and as a standard file-based ExampleGen."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.components.example_gen.csv_example_gen import executor as csv_example_gen
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils, standard_artifacts

from components.data.example_gen import Executor, SpanConfig, SpanExampleGen, WindowDriver, make_example_gen
from components.data.span_store import read_spans
from ingestion import csv_reader
from ingestion.splits import SPLITS
from schema.errors import InputError, RowCountError
from schema.precision import read_precision
from schema.problem import Split
from schema.row_ledger import read_counts

SCHEMA_TEXT = """
feature { name: "text" type: BYTES }
feature { name: "count" type: INT }
feature { name: "share" type: FLOAT }
feature { name: "day" type: BYTES }
"""
HEADER = "text,count,share,day\n"
BEAM = [
    "--runner=apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    "--sdk_container_image=none",
]
# Every row has a day, which is label and key at once, and some row a share that only a decimal can be.
AWKWARD = [
    "plain,1,0.5,Mon\n",
    '"a, b",2,1.5,Mon\n',
    '"say ""hi""",3,2.5,Tue\n',
    '"two\nlines",4,3.5,Tue\n',
    '"two\n\n""lines"", and a comma",5,4.5,Wed\n',
    '"carriage\r\nreturn",6,5.5,Wed\n',
    ",7,6.5,Thu\n",
    '"",8,7.5,Thu\n',
    "empty count,,8.5,Fri\n",
    "empty share,10,,Fri\n",
    "Zoë 東京 🛫,11,-1e-3,Sat\n",
    "  spaces  ,12,0,Sat\n",
    "NA,-13,1e10,Sun\n",
    f"long,{2**63 - 1},0.1,Sun\n",
    f"short,{-(2**63)},3,Sun\n",
    "Mon,0,0.25,it's\n",
    '""" starts with a quote",14,1.0,Mon\n',
    "\n",
    "a\u2028b,15,2.0,Mon\n",
]


def write(folder: Path, *files: list[str], span: int = 1, suffix: str = "csv") -> Path:
    """The rows as files of one span below the folder."""
    target = folder / f"span-{span:02d}"
    target.mkdir(parents=True, exist_ok=True)
    for number, rows in enumerate(files):
        content = (HEADER + "".join(rows)).encode()
        path = target / f"{number}.{suffix}"
        path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    return folder


def config(folder: Path, **changes: Any) -> SpanConfig:
    """The node's config; `changes` are its keys."""
    values: dict[str, Any] = {
        "pattern": "span-{SPAN:2}/*.csv*",
        "window": ":",
        "split": Split(key="day", train=2, eval=1, test=1),
        "label": "day",
        "schema_text": SCHEMA_TEXT,
        "cache": str(folder / "cache"),
        "sample_rows": None,
        "seed": 0,
        "fingerprint": "source",
    }
    return SpanConfig(**{**values, **changes})


def node(data: Path, how: SpanConfig) -> SpanExampleGen:
    """The node over the data."""
    return make_example_gen(str(data), how, "node")


def run(executor: type[BaseBeamExecutor], gen: SpanExampleGen, target: Path, **properties: Any) -> Any:
    """Runs an executor with the node's own properties; gives its Examples artifact."""
    artifact = standard_artifacts.Examples()
    artifact.uri = str(target)
    context = BaseBeamExecutor.Context(beam_pipeline_args=BEAM, tmp_dir=str(target) + "-tmp", unique_id="1")
    executor(context).Do({}, {"examples": [artifact]}, {**gen.exec_properties, **properties})
    return artifact


def ours(folder: Path, **changes: Any) -> Any:
    """What our executor makes of the folder's data."""
    return run(Executor, node(folder / "data", config(folder, **changes)), folder / "ours")


def theirs(folder: Path, split: Split) -> Any:
    """What TFX's makes of span 1, with the split that our node tells it."""
    gen = node(folder / "data", config(folder, split=split))
    pattern = '{"splits": [{"name": "window", "pattern": "span-01/*"}]}'
    return run(csv_example_gen.Executor, gen, folder / "theirs", input_config=pattern)


def rows(artifact: Any, split: str) -> Counter[tuple[tuple[str, Any], ...]]:
    """The rows of a split as a multiset: name and value, None where a feature has none."""
    shards = [str(path) for path in Path(artifact_utils.get_split_uri([artifact], split)).iterdir()]
    records = tf.data.TFRecordDataset(shards, compression_type="GZIP").as_numpy_iterator()
    return Counter(as_row(tf.train.Example.FromString(record)) for record in records)


def as_row(example: tf.train.Example) -> tuple[tuple[str, Any], ...]:
    """Its features by name with their lists' values."""
    held = example.features.feature
    return tuple((name, value(held[name])) for name in sorted(held))


def value(feature: tf.train.Feature) -> Any:
    """The kind and the one value of a feature; None if it has none, in a list or not."""
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    return (kind, values[0]) if values else None


@pytest.mark.parametrize("block_bytes", [8, 100, 1 << 24])
@pytest.mark.parametrize("files", [1, 4])
def test_each_row_is_the_example_that_tfx_makes_of_it_in_the_same_split(
    tmp_path: Path, files: int, block_bytes: int
) -> None:
    write(tmp_path / "data", *[AWKWARD[number::files] for number in range(files)])
    split = Split(key="day", train=2, eval=1, test=1)

    expected, found = theirs(tmp_path, split), ours(tmp_path, split=split, block_bytes=block_bytes)

    for name in SPLITS:
        assert rows(found, name) == rows(expected, name)
    assert sum(sum(rows(found, name).values()) for name in SPLITS) == len(AWKWARD) - 1


def test_compressed_files_give_what_tfx_makes_of_the_plain_ones(tmp_path: Path) -> None:
    write(tmp_path / "data", AWKWARD)
    expected = theirs(tmp_path, Split(key="day", train=2, eval=1, test=1))
    (tmp_path / "data" / "span-01" / "0.csv").unlink()
    write(tmp_path / "data", AWKWARD[:7], AWKWARD[7:], suffix="csv.gz")

    found = ours(tmp_path, block_bytes=50)

    assert [rows(found, name) for name in SPLITS] == [rows(expected, name) for name in SPLITS]


def test_a_type_comes_from_the_schema_where_tfx_goes_by_the_values(tmp_path: Path) -> None:
    """The one difference in a value: TFX infers the type of a column, so whole numbers are integers to it."""
    write(tmp_path / "data", [f"{number},{number},{number},day-{number}\n" for number in range(60)])
    split = Split(key="day")

    expected, found = theirs(tmp_path, split), ours(tmp_path, split=split)

    for name in SPLITS:
        days = {dict(row)["day"]: int(dict(row)["count"][1]) for row in rows(expected, name)}
        assert rows(expected, name) == Counter(
            (("count", whole), ("day", day), ("share", whole), ("text", whole))
            for day, number in days.items()
            for whole in [("int64_list", number)]
        )
        assert rows(found, name) == Counter(
            (
                ("count", ("int64_list", number)),
                ("day", day),
                ("share", ("float_list", float(number))),
                ("text", ("bytes_list", str(number).encode())),
            )
            for day, number in days.items()
        )


def test_a_row_without_a_label_is_left_out_where_tfx_keeps_it(tmp_path: Path) -> None:
    write(tmp_path / "data", [*AWKWARD, "unlabelled,,1.5,Mon\n"])
    split = Split(key="day", train=2, eval=1, test=1)

    expected, found = theirs(tmp_path, split), ours(tmp_path, split=split, label="count")

    missing = [row for name in SPLITS for row in rows(expected, name) - rows(found, name)]
    assert sorted(dict(row)["text"] for row in missing) == [
        ("bytes_list", b"empty count"),
        ("bytes_list", b"unlabelled"),
    ]
    assert not any(rows(found, name) - rows(expected, name) for name in SPLITS)


def test_without_a_key_rows_go_by_all_they_say_as_with_tfx(tmp_path: Path) -> None:
    """Rows that lack no value: for a missing one TFX writes an empty list, and we a feature without a list."""
    whole = [f"row {number},{number},{number}.5,Mon\n" for number in range(60)]
    write(tmp_path / "data", whole)
    split = Split(key=None, train=2, eval=1, test=1)

    expected, found = theirs(tmp_path, split), ours(tmp_path, split=split, block_bytes=300)

    assert [rows(found, name) for name in SPLITS] == [rows(expected, name) for name in SPLITS]
    assert all(rows(found, name) for name in SPLITS)


def days(count: int = 60) -> list[str]:
    """Rows on days enough for each split to have some."""
    return [f"text,{row},0.5,day-{row}\n" for row in range(count)]


def test_the_artifact_is_of_the_standard_type_with_its_splits(tmp_path: Path) -> None:
    write(tmp_path / "data", days())
    write(tmp_path / "data", days(), span=2)

    artifact = ours(tmp_path, block_bytes=300)

    assert artifact_utils.decode_split_names(artifact.split_names) == ["train", "eval", "test"]
    assert [sum(rows(artifact, name).values()) for name in SPLITS] == [
        sum(span.rows[name] for span in read_spans(Path(artifact.uri))) for name in SPLITS
    ]
    assert [(span.span, sum(span.rows.values())) for span in read_spans(Path(artifact.uri))] == [(1, 60), (2, 60)]


def test_the_node_is_file_based_with_the_standard_channel_and_properties(tmp_path: Path) -> None:
    gen = node(write(tmp_path / "data", days()), config(tmp_path))

    assert issubclass(WindowDriver, FileBasedDriver)
    assert list(gen.outputs) == ["examples"]
    assert gen.outputs["examples"].type is standard_artifacts.Examples
    assert {"input_base", "input_config", "output_config", "output_data_format", "custom_config"} <= set(
        gen.exec_properties
    )


def test_a_span_that_is_stored_is_not_converted_again(tmp_path: Path) -> None:
    write(tmp_path / "data", days())
    (first,) = read_spans(Path(ours(tmp_path).uri))
    before = {path: path.stat().st_mtime_ns for path in Path(first.folder).rglob("*")}
    write(tmp_path / "data", days(), span=2)

    again, _ = read_spans(Path(run(Executor, node(tmp_path / "data", config(tmp_path)), tmp_path / "second").uri))

    assert again == first
    # Links of a shard to another artifact change its inode's times of change, not of content.
    assert {path: path.stat().st_mtime_ns for path in Path(first.folder).rglob("*")} == before


@pytest.mark.parametrize("change", [{"seed": 1}, {"label": "count"}, {"fingerprint": "edited"}, {"block_bytes": 300}])
def test_a_span_that_would_come_out_otherwise_has_another_place(tmp_path: Path, change: dict[str, Any]) -> None:
    files = tuple((write(tmp_path / "data", days()) / "span-01").iterdir())

    assert config(tmp_path, **change).folder(1, files, None) != config(tmp_path).folder(1, files, None)
    assert config(tmp_path, window="1:1").folder(1, files, None) == config(tmp_path).folder(1, files, None)


def test_faults_of_several_spans_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "data", days())
    write(tmp_path / "data", [*days(), "x,y,1.5,Mon\n"], span=2)
    write(tmp_path / "data", ["x,1,y,Mon\n"], span=3)

    with pytest.raises(InputError) as caught:
        ours(tmp_path)

    assert str(caught.value).split("\n") == [
        f"{tmp_path}/data/span-02/0.csv:62: column 'count': expected an integer. Received: 'y'",
        f"{tmp_path}/data/span-03/0.csv:2: column 'share': expected a number. Received: 'y'",
    ]
    assert len(list((tmp_path / "cache" / "spans").glob("01-*/rows.json"))) == 1


def test_a_split_without_rows_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "data", ["text,1,0.5,Mon\n"] * 50)

    with pytest.raises(InputError, match=r"no rows in this window, whose values of 'day' are too few"):
        ours(tmp_path)


def test_what_float32_keeps_of_the_columns_stands_beside_the_window(tmp_path: Path) -> None:
    for span in (1, 2):
        at = range(100 * span, 100 * span + 100)
        write(tmp_path / "data", [f"a,{second},{1.7e9 + second},{second}\n" for second in at], span=span)
    found = read_precision(Path(ours(tmp_path, split=Split(key="day")).uri))
    assert found["count"].count == found["share"].count == 2 * 98
    assert found["count"].mean == pytest.approx(199.5)
    assert [name for name in found if found[name].fault("features", name, "")] == ["share"]


def test_a_sample_is_shared_out_among_the_spans(tmp_path: Path) -> None:
    write(tmp_path / "data", days(1000))
    write(tmp_path / "data", days(100), span=2)

    one, two = read_spans(Path(ours(tmp_path, sample_rows=400).uri))

    assert sum(one.rows[name] for name in SPLITS) == pytest.approx(200, abs=50)
    assert sum(two.rows[name] for name in SPLITS) == 100


def test_rows_are_counted_from_the_files_to_the_shards(tmp_path: Path) -> None:
    # Two files of one span: 60 rows and, of 20 more, two without a day, which is the label.
    write(tmp_path / "data", days(60), [*days(18), "x,1,1.5,\n", "y,1,1.5,\n"])

    artifact = ours(tmp_path, block_bytes=500)

    counts = read_counts(Path(artifact.uri))
    blocks = [(one.rows, one.expected) for one in counts if one.unit == "blocks"]
    assert len(blocks) == 2
    assert all(arrived == cut > 0 for arrived, cut in blocks)
    files = [one for one in counts if one.boundary == "source files" and one.unit == "rows"]
    assert {one.file: (one.rows, one.expected) for one in files} == {"0.csv": (60, 60), "1.csv": (20, 20)}
    [span] = [one for one in counts if one.boundary == "examples" and not one.split]
    assert (span.span, span.rows, span.expected, span.dropped) == ("span-01", 78, 80, {"without a label": 2})
    for split in SPLITS:
        written = {one.file: one.rows for one in counts if one.split == split}
        assert sum(written.values()) == sum(rows(artifact, split).values())
        assert set(written) == {path.name for path in Path(artifact_utils.get_split_uri([artifact], split)).iterdir()}


def test_rows_outside_a_sample_are_counted_too(tmp_path: Path) -> None:
    write(tmp_path / "data", days(1000))

    artifact = ours(tmp_path, sample_rows=400)

    [span] = [one for one in read_counts(Path(artifact.uri)) if one.boundary == "examples" and not one.split]
    assert span.expected == 1000
    assert span.dropped == {"outside the sample": 1000 - span.rows}
    assert span.rows == sum(sum(rows(artifact, split).values()) for split in SPLITS)


class LosesOne(beam.PTransform):  # type: ignore[misc]
    """In place of Beam's Reshuffle: one of the elements that it deals to workers is lost on the way."""

    def expand(self, blocks: Any) -> Any:
        """All blocks but the second of a file."""
        return blocks | beam.Filter(lambda work: work.place.block != 1)


def test_a_block_that_the_runner_loses_stops_the_node_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "data", days(100))
    monkeypatch.setattr(beam, "Reshuffle", LosesOne)

    with pytest.raises(RowCountError) as caught:
        ours(tmp_path, block_bytes=1000)

    cut = -(-(tmp_path / "data" / "span-01" / "0.csv").stat().st_size // 1000)
    assert f"source files, span-01, 0.csv: {cut - 1} blocks, expected {cut} cut from the file" in str(caught.value)
    assert not list((tmp_path / "cache" / "spans").glob("01-*"))
    monkeypatch.undo()
    whole = ours(tmp_path, block_bytes=1000)
    assert sum(sum(rows(whole, split).values()) for split in SPLITS) == 100


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_a_row_that_the_parser_loses_stops_the_node_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    write(tmp_path / "data", [*days(60), '"two\nlines",1,0.5,day-1\n', "\n"], suffix=suffix)
    parse = csv_reader._parse
    monkeypatch.setattr(csv_reader, "_parse", lambda *args: parse(*args).slice(1))

    with pytest.raises(RowCountError) as caught:
        ours(tmp_path)

    told = f"source files, span-01, 0.{suffix}: 60 rows, expected 61 by line ends outside quotes"
    assert told in str(caught.value)
    assert "look at the quotes and line ends of the file" in str(caught.value)
    assert not list((tmp_path / "cache" / "spans").glob("01-*"))
