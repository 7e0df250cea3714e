"""run_fn as TFX calls it: alone, in a cluster of two, killed and called again."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.entrypoints.trainer import checkpoint_folder, run_fn, with_tuned
from models.training.training_options import Training, WarmStart
from schema.errors import InputError, PipelineError
from schema.run_warnings import read_warnings
from schema.signatures import DEVICE_FORM, SERVING_FORM, TRAINABLE_FORM, WEIGHTS
from schema.training_record import TrainingRecord
from tests.models.training_case import bound_problem, fn_args, rows, write_examples, write_shards

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_SECONDS = 120


@pytest.fixture(scope="module")
def model(examples: Path, transform_graph: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run_fn wrote: `model`, `run` and `checkpoints`."""
    folder = tmp_path_factory.mktemp("trained")
    run_fn(SimpleNamespace(**fn_args(folder, examples, transform_graph)))
    return folder


def weights(folder: Path) -> dict[str, Any]:
    """The weights that run_fn saved, without the vocabularies beside them."""
    with np.load(folder / "model" / WEIGHTS) as saved:
        return {name: values for name, values in saved.items() if name != "layout"}


def arguments(tmp_path: Path, **changes: Any) -> SimpleNamespace:
    """fn_args on two small shards; `changes` of custom_config are laid over it."""
    if not (tmp_path / "Split-train").exists():
        write_shards(tmp_path, "train", [rows(4)])
        write_shards(tmp_path, "eval", [rows(2)])
    found = fn_args(tmp_path, tmp_path, tmp_path)
    return SimpleNamespace(**{**found, "custom_config": {**found["custom_config"], **changes}})


@contextmanager
def running(file: Path, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """run_fn in a process of its own, with the arguments in the file; it is gone when the block ends, or in time."""
    with (
        file.with_suffix(".log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.models.training_script", "run_fn", str(file)],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        watchdog = threading.Timer(TIMEOUT_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def written(values: dict[str, Any], file: Path) -> Path:
    """The file with fn_args in it."""
    file.write_text(json.dumps(values), encoding="utf-8")
    return file


def answer(process: subprocess.Popen[str], file: Path) -> dict[str, Any]:
    """The JSON that the process ends with."""
    output, _ = process.communicate()
    assert process.returncode == 0, file.with_suffix(".log").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def free_ports(count: int) -> list[int]:
    """Ports of the loopback device that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def test_all_forms_and_the_weights_lie_below_the_model(model: Path) -> None:
    assert (model / "model" / SERVING_FORM / "saved_model.pb").is_file()
    assert (model / "model" / DEVICE_FORM / "saved_model.pb").is_file()
    assert (model / "model" / TRAINABLE_FORM / "saved_model.pb").is_file()
    assert weights(model)["deep_embedding_carrier/embeddings:0"].shape == (5, 2)


def test_the_served_form_carries_no_optimizer(model: Path) -> None:
    variables = str(model / "model" / SERVING_FORM / "variables" / "variables")
    shapes = {name: shape for name, shape in tf.train.list_variables(variables) if shape}

    trained = sum(values.size for values in weights(model).values())
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == trained


def test_the_curves_lie_in_the_run(model: Path) -> None:
    assert sorted(path.parent.name for path in (model / "run").rglob("events.*")) == ["train", "validation"]


def test_a_finished_training_leaves_no_checkpoint(model: Path) -> None:
    assert list((model / "checkpoints").iterdir()) == []


def test_a_baselines_weights_are_where_the_next_training_begins(
    model: Path, examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    bound, options = bound_problem(learning_rate=1e-9, epochs=1), Training(warm_start=WarmStart.REQUIRED)
    baseline = str(model / "model" / SERVING_FORM)

    run_fn(SimpleNamespace(**fn_args(tmp_path, examples, transform_graph, bound, options, base_model=baseline)))

    before, after = weights(model), weights(tmp_path)
    assert before.keys() == after.keys()
    for name, values in before.items():
        np.testing.assert_allclose(after[name], values, atol=1e-6)


def test_a_first_model_has_no_baseline_and_says_so(
    model: Path, examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    options = Training(warm_start=WarmStart.IF_POSSIBLE)
    run_fn(SimpleNamespace(**fn_args(tmp_path, examples, transform_graph, training=options)))

    assert "warm start: 0 of 12 tensors were taken over; no other model was released before this one" in read_warnings(
        tmp_path / "run"
    )
    for name, values in weights(model).items():
        np.testing.assert_array_equal(weights(tmp_path)[name], values)


def test_a_warm_start_that_is_required_needs_a_baseline(examples: Path, transform_graph: Path, tmp_path: Path) -> None:
    options = Training(warm_start=WarmStart.REQUIRED)

    with pytest.raises(InputError, match=r"training\.warm_start=required: no other model was released before this one"):
        run_fn(SimpleNamespace(**fn_args(tmp_path, examples, transform_graph, training=options)))
    assert not (tmp_path / "model").exists()


def test_a_training_leaves_its_record_beside_its_logs(model: Path) -> None:
    found = TrainingRecord.model_validate_json((model / "run" / "training.json").read_text(encoding="utf-8"))

    assert (found.rows, found.batch_size, found.steps_per_epoch, found.epochs, found.epochs_run) == (64, 8, 8, 2, 2)
    assert (found.derived, found.warm_start, found.comparison.rows) == ((), None, 21)
    assert found.eval_losses[found.best_epoch - 1] == min(found.eval_losses)


def test_a_table_of_few_rows_is_learnt_with_the_settings_that_nobody_gave(
    transform_graph: Path, tmp_path: Path
) -> None:
    # One carrier is late, and that in every second hour: a sixth of the rows.
    noisy = [{**row, "late": int(bool(row["late"]) and place % 2)} for place, row in enumerate(rows(150))]
    write_shards(tmp_path, "train", [noisy[:90]])
    write_shards(tmp_path, "eval", [noisy[90:]])
    bound = bound_problem(batch_size=None, epochs=None, patience=None, numeric_knots=None, averaging=0.99)

    run_fn(SimpleNamespace(**fn_args(tmp_path, tmp_path, transform_graph, bound)))

    found = TrainingRecord.model_validate_json((tmp_path / "run" / "training.json").read_text(encoding="utf-8"))
    assert found.derived == ("batch_size", "epochs", "patience", "numeric_knots")
    assert found.epochs * found.steps_per_epoch >= 512
    # 8 epochs of one step leave 0.41, little below the constant's 0.45.
    assert found.comparison.candidate < 0.3 < 0.44 < found.comparison.constant
    assert read_warnings(tmp_path / "run") == []


def test_a_training_that_diverges_exports_nothing(transform_graph: Path, tmp_path: Path) -> None:
    write_shards(tmp_path, "train", [[{**row, "distance": float("nan")} for row in rows(16)]])
    write_shards(tmp_path, "eval", [rows(8)])

    with pytest.raises(PipelineError, match="training: loss is nan after epoch 1"):
        run_fn(SimpleNamespace(**fn_args(tmp_path, tmp_path, transform_graph)))
    assert not (tmp_path / "model").exists()


def test_a_split_without_examples_is_named(transform_graph: Path, tmp_path: Path) -> None:
    write_shards(tmp_path, "train", [rows(8)])

    with pytest.raises(InputError, match=r"no examples in .*Split-eval/\*\. Widen --span-window"):
        run_fn(SimpleNamespace(**fn_args(tmp_path, tmp_path, transform_graph)))


def test_tuned_settings_take_the_place_of_the_problems_own() -> None:
    tuned = with_tuned(bound_problem(), {"space": [], "values": {"learning_rate": 0.25, "hidden_units": [3, 2]}})

    assert (tuned.problem.network.learning_rate, tuned.problem.network.hidden_units) == (0.25, (3, 2))
    assert tuned.problem.network.embedding_size == bound_problem().problem.network.embedding_size


@pytest.mark.parametrize("nothing", [None, {}, {"values": {}}])
def test_without_a_tuner_the_problem_stays_as_it_is(nothing: dict[str, Any] | None) -> None:
    assert with_tuned(bound_problem(), nothing) == bound_problem()


def test_a_tuned_setting_that_is_none_of_the_networks_is_named() -> None:
    with pytest.raises(InputError, match=r"tuned network: unknown key 'learning_rates'\. Did you mean 'learning_rate'"):
        with_tuned(bound_problem(), {"values": {"learning_rates": 0.25}})


def test_the_same_training_has_the_same_checkpoint_folder(tmp_path: Path) -> None:
    folder = checkpoint_folder(arguments(tmp_path))

    assert folder == checkpoint_folder(arguments(tmp_path))
    assert folder.parent == tmp_path / "checkpoints"


@pytest.mark.parametrize("options", [Training(restarts=9), Training(profile_steps=9)])
def test_what_does_not_bear_on_a_training_leaves_it_its_checkpoint(options: Training, tmp_path: Path) -> None:
    changed = checkpoint_folder(arguments(tmp_path, training=options.model_dump_json()))

    assert changed == checkpoint_folder(arguments(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [
        {"training": Training(seed=8).model_dump_json()},
        {"bound": bound_problem(epochs=3).model_dump_json()},
        {"fingerprint": "of a changed source"},
    ],
)
def test_another_config_or_source_is_another_training(changes: dict[str, str], tmp_path: Path) -> None:
    assert checkpoint_folder(arguments(tmp_path, **changes)) != checkpoint_folder(arguments(tmp_path))


@pytest.mark.parametrize("split", ["train", "eval"])
def test_other_data_is_another_training_even_under_the_same_name(split: str, tmp_path: Path) -> None:
    before = checkpoint_folder(arguments(tmp_path))
    write_shards(tmp_path, split, [rows(3)])
    replaced = checkpoint_folder(arguments(tmp_path))
    write_shards(tmp_path, split, [rows(3), rows(3)])
    added = checkpoint_folder(arguments(tmp_path))

    assert len({before, replaced, added}) == 3


def test_another_tuned_setting_or_baseline_is_another_training(tmp_path: Path) -> None:
    plain, tuned, warm = arguments(tmp_path), arguments(tmp_path), arguments(tmp_path)
    tuned.hyperparameters = {"values": {"dropout": 0.5}}
    warm.base_model = "models/7/Format-Serving"

    assert len({checkpoint_folder(each) for each in (plain, tuned, warm)}) == 3


@pytest.mark.slow
def test_two_workers_train_as_one_and_the_chief_alone_writes(
    examples: Path, transform_graph: Path, tmp_path: Path
) -> None:
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    with ExitStack() as stack:
        workers = []
        for index in range(2):
            options = Training(strategy="multi_worker_mirrored", profile_steps=2)
            values = fn_args(tmp_path / str(index), examples, transform_graph, bound_problem(averaging=0.9), options)
            values["custom_config"]["checkpoints"] = str(tmp_path / "checkpoints")
            file = written(values, tmp_path / f"{index}.json")
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            workers.append((stack.enter_context(running(file, {"TF_CONFIG": json.dumps(task)})), file))
        chief, other = (answer(*worker) for worker in workers)

    assert (chief["chief"], other["chief"], chief["replicas"], other["replicas"]) == (True, False, 2, 2)
    assert chief["weights"] == other["weights"]
    assert chief["history"] == other["history"]
    assert chief["history"]["loss"][1] < chief["history"]["loss"][0]
    # Each of the 64 rows has a distance of its own: half of them went to each worker, none to both.
    assert [len(chief["distances"]), len(other["distances"])] == [32, 32]
    assert len({*chief["distances"], *other["distances"]}) == 64

    assert (tmp_path / "0" / "model" / SERVING_FORM / "saved_model.pb").is_file()
    assert sorted(path.parent.name for path in (tmp_path / "0" / "run").rglob("events.*")) == ["train", "validation"]
    assert len(list((tmp_path / "0" / "run").glob("plugins/profile/*/*.xplane.pb"))) == 1
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["schema.pbtxt"]
    assert list((tmp_path / "checkpoints").iterdir()) == []

    same_folder = "checkpoints: workers found different checkpoints there. All of them need the same folder."
    assert (chief["disagreement"], other["disagreement"]) == (same_folder, same_folder)


@pytest.mark.slow
def test_a_killed_training_goes_on_where_its_last_epoch_ended(transform_graph: Path, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", train_rows=4000)
    # Epochs of 500 steps, so that there is time to kill it in the second.
    file = written(fn_args(tmp_path, examples, transform_graph, bound_problem(epochs=4)), tmp_path / "arguments.json")

    with running(file) as first:
        for line in first.stdout or []:
            if line.startswith("Epoch 2/4"):
                first.send_signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
    assert not (tmp_path / "model").exists()
    [checkpoint] = (tmp_path / "checkpoints").iterdir()
    finished = int(tf.train.load_checkpoint(str(checkpoint)).get_tensor("epochs/.ATTRIBUTES/VARIABLE_VALUE"))
    assert 1 <= finished < 4

    with running(file) as second:
        history = answer(second, file)["history"]

    assert len(history["loss"]) == 4 - finished
    assert (tmp_path / "model" / SERVING_FORM / "saved_model.pb").is_file()
    assert not checkpoint.exists()
