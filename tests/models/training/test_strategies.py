"""Distribution strategies by name, and what is said where a cluster or a TPU is not there."""

import json
from typing import Any
from urllib.error import URLError

import pytest
import tensorflow as tf

from models.training import strategies
from models.training.strategies import StrategyName, chief_address, is_chief, make_strategy, names_chief
from models.training.training_options import Training
from schema.errors import InputError

WORKERS = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}


@pytest.fixture
def failing() -> dict[str, Exception]:
    """Steps that fail, and how."""
    return {}


@pytest.fixture
def tpu_calls(monkeypatch: pytest.MonkeyPatch, failing: dict[str, Exception]) -> list[tuple[str, Any]]:
    """What is called of TensorFlow to set up a TPU, in order; nothing here has one."""
    calls: list[tuple[str, Any]] = []

    def standing_in(name: str, answer: Any = None) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            calls.append((name, (*arguments, *options.values())))
            if name in failing:
                raise failing[name]
            return answer

        return call

    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", standing_in("resolver", "the resolver"))
    monkeypatch.setattr(tf.config, "experimental_connect_to_cluster", standing_in("connect"))
    monkeypatch.setattr(tf.tpu.experimental, "initialize_tpu_system", standing_in("initialize"))
    monkeypatch.setattr(tf.distribute, "TPUStrategy", standing_in("strategy", "the strategy"))
    return calls


def test_none_is_tensorflows_own_default() -> None:
    assert make_strategy("none") is tf.distribute.get_strategy()


def test_mirrored_takes_the_devices_there_are() -> None:
    strategy = make_strategy("mirrored")

    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == 1


@pytest.mark.parametrize("name", ["none", "mirrored"])
def test_a_process_alone_is_the_chief(name: str) -> None:
    assert is_chief(make_strategy(name))


@pytest.mark.parametrize("name", list(StrategyName))
def test_the_config_knows_every_strategy(name: StrategyName) -> None:
    assert Training.from_mapping({"strategy": str(name)}, "environment").strategy == name


def test_the_config_knows_no_other() -> None:
    with pytest.raises(InputError, match=r"environment: key 'strategy'.*Received: 'horovod'"):
        Training.from_mapping({"strategy": "horovod"}, "environment")


@pytest.mark.parametrize("name", ["mirrored", "multi_worker_mirrored", "tpu"])
def test_xla_is_for_one_device(name: str) -> None:
    with pytest.raises(InputError, match=rf"jit_compile goes with strategy none only.*Received: strategy {name}"):
        Training.from_mapping({"strategy": name, "jit_compile": True}, "environment")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{}",
        "[]",
        json.dumps({"cluster": WORKERS}),
        json.dumps({"task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": WORKERS, "task": {"type": "chief", "index": 0}}),
        json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": "first"}}),
        json.dumps({"cluster": {"ps": ["127.0.0.1:1"]}, "task": {"type": "ps", "index": 0}}),
    ],
)
def test_a_cluster_without_this_task_is_refused(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)

    with pytest.raises(InputError) as caught:
        make_strategy("multi_worker_mirrored")

    assert str(caught.value) == (
        "training.strategy: multi_worker_mirrored needs TF_CONFIG with a cluster and a task of it, such as "
        '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}. '
        f"Received: {text or ''!r}"
    )


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "chief"),
    [
        ({"worker": ["a:1", "b:1"]}, "worker", 0, True),
        ({"worker": ["a:1", "b:1"]}, "worker", 1, False),
        ({"worker": ["a:1", "b:1"]}, "worker", "0", True),
        ({"chief": [], "worker": ["a:1", "b:1"]}, "worker", 0, True),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "chief", 0, True),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "worker", 0, False),
    ],
)
def test_the_chief_is_the_task_of_that_name_or_else_worker_0(
    cluster: dict[str, list[str]], kind: str, index: int | str, chief: bool
) -> None:
    config = {"cluster": cluster, "task": {"type": kind, "index": index}}

    assert names_chief(config) is chief
    assert chief_address(config) == "a:1"


def test_a_torn_tf_config_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", '{"cluster": ')

    with pytest.raises(InputError, match=r"TF_CONFIG: not JSON: .*Received: '\{\"cluster\": '"):
        make_strategy("multi_worker_mirrored")


def test_a_cluster_is_joined_before_anything_is_computed_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 0}}))
    assert int(tf.constant(1) + 1) == 2

    with pytest.raises(InputError, match="multi_worker_mirrored needs a process of its own"):
        make_strategy("multi_worker_mirrored")


def test_a_tpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TPU_NAME", "TPU_CONFIG", "KUBE_GOOGLE_CLOUD_TPU_ENDPOINTS"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(InputError, match=r"training\.tpu: no TPU found\. Received: ''\. Please provide a TPU Name"):
        make_strategy("tpu")


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("resolver", URLError("no such host")),  # a name is asked for at Google's metadata server
        ("resolver", ImportError("googleapiclient must be installed")),
        ("connect", tf.errors.UnavailableError(None, None, "failed to connect\nRegistered kernels: many")),
        ("initialize", tf.errors.NotFoundError(None, None, "no TPU in the cluster\nRegistered kernels: many")),
    ],
)
def test_a_tpu_that_does_not_answer_is_named_in_one_line(
    step: str, error: Exception, tpu_calls: list[tuple[str, Any]], failing: dict[str, Exception]
) -> None:
    failing[step] = error

    with pytest.raises(InputError) as caught:
        make_strategy("tpu", "mine")

    first_line = str(error).partition("\n")[0]
    assert str(caught.value) == f"training.tpu: no TPU found. Received: 'mine'. {first_line}"
    assert tpu_calls[-1][0] == step


def test_a_tpu_is_connected_and_initialized_before_its_strategy(tpu_calls: list[tuple[str, Any]]) -> None:
    assert make_strategy("tpu", "grpc://10.0.0.2:8470") == "the strategy"
    assert tpu_calls == [
        ("resolver", ("grpc://10.0.0.2:8470",)),
        ("connect", ("the resolver",)),
        ("initialize", ("the resolver",)),
        ("strategy", ("the resolver",)),
    ]


def test_a_process_joins_a_cluster_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 1}}))
    monkeypatch.setattr(strategies, "_JOINED", {"127.0.0.1:2"})

    with pytest.raises(InputError, match=r"trained in a cluster as 127\.0\.0\.1:2 already.*run the rest with --from"):
        make_strategy("multi_worker_mirrored")
