"""A tiny problem to train on: its records, its raw rows, and shards of its rows as Transform leaves them."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf

from models.data.dataset import Source, training_source
from models.preprocessing.statistics import Statistics
from models.training.training_options import Training
from schema.bound import BoundProblem
from schema.problem import Data, Encoding, Feature, Network, Problem, Task
from schema.signatures import SERVING_FORM

ROOT = Path(__file__).resolve().parents[2]
Row = dict[str, int | float]

# Ids 2, 3 and 4, see models.preprocessing.encoding.
CARRIERS = (b"AA", b"B6", b"DL")
LATE_CARRIER = 2
HOURS = (0, 3)
DISTANCES = tuple(float(number) for number in range(0, 1001, 125))
STATISTICS = Statistics(vocabularies={"carrier": CARRIERS}, boundaries={"distance": DISTANCES})

SCHEMA = """\
feature { name: "carrier" type: BYTES presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } } }
feature { name: "hour" type: INT int_domain { min: 0 max: 3 } presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "distance" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } } }
feature { name: "late" type: INT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } } }
"""


def bound_problem(task: Task = Task.BINARY, **network: Any) -> BoundProblem:
    """A problem with a feature of each encoding; `network` changes its sizes, which are small and draw nothing."""
    sizes = {
        "hidden_units": (4,),
        "embedding_size": 2,
        "numeric_knots": 4,
        "members": 2,
        "dropout": 0.0,
        "learning_rate": 0.05,
        "averaging": 0.0,
        "batch_size": 8,
        "epochs": 2,
        "patience": 10,
    }
    problem = Problem(
        name="flights",
        title="Will the flight be late?",
        task=task,
        label="late",
        classes=("early", "in time", "late") if task is Task.MULTICLASS else (),
        data=Data(path="data"),
        features={
            "carrier": Feature(encoding=Encoding.VOCABULARY),
            "hour": Feature(encoding=Encoding.IDENTITY),
            "distance": Feature(encoding=Encoding.QUANTILES, buckets=8),
        },
        network=Network(**{**sizes, **network}),
    )
    return BoundProblem(problem=problem, domains={"hour": HOURS})


def rows(count: int, *, flipped: bool = False) -> list[Row]:
    """Rows that each have a distance of their own; one carrier is late (flipped: all others are)."""
    return [
        {
            "carrier": 2 + place % 3,
            "hour": 1 + place % 4,
            "distance": place / count,
            "late": int((2 + place % 3 == LATE_CARRIER) != flipped),
        }
        for place in range(count)
    ]


def write_shards(folder: Path, split: str, shards: Iterable[Iterable[Row]]) -> Source:
    """Writes the rows of each shard and returns the split."""
    below = folder / f"Split-{split}"
    below.mkdir(parents=True, exist_ok=True)
    for number, shard in enumerate(shards):
        with tf.io.TFRecordWriter(str(below / f"rows-{number:05d}.gz"), "GZIP") as writer:
            for row in shard:
                writer.write(_example(row))
    return training_source([f"{below}/*"])


def write_examples(folder: Path, train_rows: int = 64, eval_rows: int = 21) -> Path:
    """An Examples artifact's folder: train in two shards, eval in one."""
    train = rows(train_rows)
    write_shards(folder, "train", [train[0::2], train[1::2]])
    write_shards(folder, "eval", [rows(eval_rows)])
    return folder


def _example(row: Row) -> bytes:
    features = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        if isinstance(value, float)
        else tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        for name, value in row.items()
    }
    serialized: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return serialized


def fn_args(
    folder: Path,
    examples: Path,
    transform_graph: Path,
    bound: BoundProblem | None = None,
    training: Training | None = None,
    **others: Any,
) -> dict[str, Any]:
    """What TFX's Trainer hands to run_fn; all that is written lies below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
    return {
        "train_files": [f"{examples}/Split-train/*"],
        "eval_files": [f"{examples}/Split-eval/*"],
        "transform_output": str(transform_graph),
        "schema_file": str(folder / "schema.pbtxt"),
        "serving_model_dir": str(folder / "model" / SERVING_FORM),
        "model_run_dir": str(folder / "run"),
        "base_model": None,
        "hyperparameters": None,
        "custom_config": {
            "bound": (bound or bound_problem()).model_dump_json(),
            "training": (training or Training()).model_dump_json(),
            "checkpoints": str(folder / "checkpoints"),
            "fingerprint": "of the source",
        },
        **others,
    }


def in_a_process_of_its_own(role: str, argument: Path) -> dict[str, Any]:
    """What tests.models.training_script answers."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.training_script", role, str(argument)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
