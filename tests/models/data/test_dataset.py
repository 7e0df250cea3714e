"""The reader of transformed examples: what an epoch is, how it is dealt, and what is kept in memory."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from models.data import dataset as reader
from models.data.dataset import Source, distribute, feature_spec, make_dataset, training_source
from models.preprocessing.records import write_split_rows
from models.training.strategies import make_strategy
from schema.errors import InputError
from schema.problem import Task
from tests.models.training_case import bound_problem, rows, write_shards

BOUND = bound_problem()


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Ten rows, with distances 0.0 to 0.9, in one shard."""
    return write_shards(tmp_path_factory.mktemp("ten"), "train", [rows(10)])


def numbers(batches: Any) -> list[list[int]]:
    """Each batch's rows, by their place among the ten."""
    return [[round(float(distance) * 10) for distance in features["distance"]] for features, _ in batches]


def epochs(source: Source, seed: int, count: int) -> list[list[int]]:
    """The order of the rows in the first epochs of a training with batches of five."""
    batches = numbers(make_dataset(source, BOUND, 5, training=True, seed=seed).take(2 * count))
    return [batches[place] + batches[place + 1] for place in range(0, 2 * count, 2)]


def test_a_batch_is_its_features_and_its_label(ten: Source) -> None:
    features, label = next(iter(make_dataset(ten, BOUND, 3, training=False)))

    assert {name: column.dtype for name, column in features.items()} == {
        "carrier": tf.int64,
        "hour": tf.int64,
        "distance": tf.float32,
    }
    assert features["carrier"].numpy().tolist() == [2, 3, 4]
    assert features["hour"].numpy().tolist() == [1, 2, 3]
    assert label.numpy().tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("task", "dtype"), [(Task.BINARY, tf.int64), (Task.MULTICLASS, tf.int64), (Task.REGRESSION, tf.float32)]
)
def test_a_label_is_a_class_or_a_value(task: Task, dtype: tf.DType) -> None:
    assert feature_spec(bound_problem(task))["late"].dtype == dtype


def test_evaluation_passes_once_in_order_and_leaves_no_row_out(ten: Source) -> None:
    dataset = make_dataset(ten, BOUND, 4, training=False)

    assert numbers(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert numbers(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_shards_are_read_side_by_side_in_a_fixed_order(tmp_path: Path) -> None:
    source = write_shards(tmp_path, "eval", [rows(10)[:5], rows(10)[5:]])

    assert numbers(make_dataset(source, BOUND, 10, training=False)) == [[0, 5, 1, 6, 2, 7, 3, 8, 4, 9]]


@pytest.mark.usefixtures("read")
def test_every_training_batch_is_full_and_its_shape_is_known(ten: Source) -> None:
    features, label = make_dataset(ten, BOUND, 4, training=True).element_spec

    assert {name: column.shape.as_list() for name, column in features.items()} == {
        "carrier": [4],
        "hour": [4],
        "distance": [4],
    }
    assert label.shape.as_list() == [4]


@pytest.mark.usefixtures("read")
def test_training_repeats_without_end(ten: Source) -> None:
    assert [len(batch) for batch in numbers(make_dataset(ten, BOUND, 4, training=True).take(9))] == [4] * 9


@pytest.fixture(params=["in memory", "streamed"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of a training through its rows."""
    if request.param == "streamed":
        monkeypatch.setattr(reader, "_RESIDENT_BYTES", 0)


@pytest.mark.usefixtures("read")
def test_an_epoch_has_each_row_once_and_an_order_of_its_own(ten: Source) -> None:
    orders = epochs(ten, seed=7, count=3)

    assert [sorted(order) for order in orders] == [list(range(10))] * 3
    assert len({tuple(order) for order in orders}) == 3


@pytest.mark.usefixtures("read")
def test_the_seed_decides_the_order(ten: Source) -> None:
    assert epochs(ten, seed=7, count=2) == epochs(ten, seed=7, count=2)
    assert epochs(ten, seed=7, count=2) != epochs(ten, seed=8, count=2)


@pytest.mark.usefixtures("read")
@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_a_training_that_goes_on_gets_the_batches_of_an_unbroken_one(ten: Source, step: int) -> None:
    # Batches of four reach from one epoch of ten rows into the next.
    unbroken = numbers(make_dataset(ten, BOUND, 4, training=True, seed=7).take(10))
    resumed = numbers(make_dataset(ten, BOUND, 4, training=True, seed=7, first_step=step).take(10 - step))

    assert resumed == unbroken[step:]


@pytest.mark.usefixtures("read")
@pytest.mark.parametrize(("replicas", "drawn"), [(3, 1), (6, 2)])
def test_a_worker_that_goes_on_counts_the_rows_of_all_its_replicas(ten: Source, replicas: int, drawn: int) -> None:
    context = tf.distribute.InputContext(3, 1, num_replicas_in_sync=replicas)

    def batches(**options: int) -> list[list[int]]:
        return numbers(make_dataset(ten, BOUND, 6, training=True, seed=7, context=context, **options).take(8))

    # In each step a worker's replicas draw a batch each, two rows together.
    assert batches(first_step=2)[:4] == batches()[2 * drawn : 2 * drawn + 4]


def test_workers_share_the_rows_and_the_batch(ten: Source) -> None:
    contexts = [tf.distribute.InputContext(3, worker, num_replicas_in_sync=3) for worker in range(3)]

    shares = [
        numbers(make_dataset(ten, BOUND, 6, training=False, context=context))  # six rows over three replicas
        for context in contexts
    ]

    assert shares == [[[0, 3], [6, 9]], [[1, 4], [7]], [[2, 5], [8]]]


@pytest.mark.usefixtures("read")
def test_a_worker_trains_on_its_own_share_alone(ten: Source) -> None:
    context = tf.distribute.InputContext(num_input_pipelines=2, input_pipeline_id=1, num_replicas_in_sync=2)

    batches = numbers(make_dataset(ten, BOUND, 10, training=True, context=context).take(4))

    assert [sorted(batch) for batch in batches] == [[1, 3, 5, 7, 9]] * 4


def test_one_device_needs_no_distribution(ten: Source) -> None:
    dataset = distribute(make_strategy("none"), ten, BOUND, 4, training=True, seed=7)

    assert isinstance(dataset, tf.data.Dataset)
    assert numbers(dataset.take(2)) == numbers(make_dataset(ten, BOUND, 4, training=True, seed=7).take(2))


def test_rows_that_fit_in_memory_are_read_once(tmp_path: Path) -> None:
    source = write_shards(tmp_path, "eval", [rows(10)])
    dataset = make_dataset(source, BOUND, 10, training=False)
    first = numbers(dataset)
    source.files[0].unlink()

    assert numbers(dataset) == first


def test_rows_that_do_not_fit_are_read_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_RESIDENT_BYTES", 0)
    source = write_shards(tmp_path, "eval", [rows(10)])
    dataset = make_dataset(source, BOUND, 10, training=False)
    assert numbers(dataset) == [list(range(10))]
    source.files[0].unlink()

    with pytest.raises(tf.errors.NotFoundError):
        numbers(dataset)


def test_both_ways_give_a_row_alike(ten: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows_by_distance() -> dict[float, tuple[int, int, int]]:
        features, label = next(iter(make_dataset(ten, BOUND, 10, training=True)))
        assert (features["carrier"].dtype, label.dtype) == (tf.int64, tf.int64)
        columns = [features["distance"], features["carrier"], features["hour"], label]
        return {row[0]: row[1:] for row in zip(*(column.numpy().tolist() for column in columns), strict=True)}

    resident = rows_by_distance()
    monkeypatch.setattr(reader, "_RESIDENT_BYTES", 0)

    assert len(resident) == 10
    assert rows_by_distance() == resident


def test_a_split_is_kept_in_memory_up_to_its_limit(ten: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ten rows of three 32-bit features and a 32-bit label.
    monkeypatch.setattr(reader, "_RESIDENT_BYTES", 160)
    assert reader.fits_in_memory(ten, feature_spec(BOUND))

    monkeypatch.setattr(reader, "_RESIDENT_BYTES", 159)
    assert not reader.fits_in_memory(ten, feature_spec(BOUND))


def test_streamed_epochs_go_through_the_shards_in_orders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_SHUFFLE_ROWS", 1)
    source = write_shards(tmp_path, "train", [[row] for row in rows(10)])

    orders = [
        tuple(record.numpy() for record in source.shuffled(seed=7).skip(10 * epoch).take(10)) for epoch in range(3)
    ]

    assert len(set(orders)) == 3
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(orders[0]))}


def test_a_source_knows_its_split_its_size_and_its_rows(tmp_path: Path) -> None:
    source = write_shards(tmp_path, "eval", [rows(3), rows(4)])

    assert (source.split, source.rows()) == ("eval", 7)
    assert source.bytes == sum(path.stat().st_size for path in tmp_path.rglob("*.gz"))


def test_a_split_whose_rows_are_told_is_not_read_to_count_them(tmp_path: Path) -> None:
    written = write_shards(tmp_path, "eval", [rows(3), rows(4)])
    write_split_rows(tmp_path, {"eval": 9})

    assert training_source([f"{tmp_path}/Split-eval/*"]).rows() == 9
    assert training_source([str(written.files[1])]).rows() == 4


def test_the_shards_of_several_patterns_are_one_source(tmp_path: Path) -> None:
    both = write_shards(tmp_path, "eval", [rows(3), rows(4)])
    patterns = [f"{tmp_path}/Split-eval/*00001.gz", f"{tmp_path}/Split-eval/*00000.gz"]

    assert training_source(patterns) == both


def test_a_split_without_shards_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no examples in .*/Split-eval/\*\. Widen --span-window, or the split's share"
    ):
        training_source([f"{tmp_path}/Split-eval/*"])


def test_a_split_whose_shards_are_empty_is_named(tmp_path: Path) -> None:
    source = write_shards(tmp_path, "eval", [[], []])

    with pytest.raises(InputError, match=r"split 'eval': no rows in .*/Split-eval\. Widen --span-window"):
        source.rows()


@pytest.mark.parametrize("training", [True, False])
def test_no_iterator_has_to_wait_for_a_tuner_when_it_ends(examples: Path, training: bool) -> None:
    source = training_source([f"{examples}/Split-train/*"])
    dataset = make_dataset(source, bound_problem(), 8, training=training)
    assert dataset.options().autotune.enabled is False
