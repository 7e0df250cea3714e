"""Device bundles of a small problem with every encoding, one a task, made by the real nodes from untrained networks."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tf_keras
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Examples, Model, Schema, TransformGraph

from components.artifacts import DeviceModels
from components.data.span_store import StoredSpan, link_spans
from components.device.device_models import DeviceModelsGen
from components.release.device_bundle import DeviceBundle
from components.release.release_store import Stamp
from ingestion.examples import write_examples
from models.export.export import RowModel, export
from models.network.network import build_network
from models.preprocessing.statistics import FILE, Statistics
from schema.bound import BoundProblem, bind
from schema.problem import Problem
from schema.rows import columns

VARIANTS = ("float32", "float16", "dynamic_int8", "int8")
STAMP = Stamp(1_700_000_000, "2023-11-14T22:13:20+00:00")
SOILS = ("loam", "clay", "sandy silt")
CROPS = ("barley", "maize", "rye")

SCHEMA = text_format.Parse(
    """
    feature {
      name: "soil" type: BYTES presence { min_count: 1 } value_count { min: 1 max: 1 }
      annotation { comment: "as the survey <b>names</b> it" }
    }
    feature {
      name: "week" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } int_domain { min: 8 max: 12 }
      annotation { comment: "of sowing" }
    }
    feature {
      name: "rain" type: FLOAT presence { min_count: 1 } value_count { min: 1 max: 1 } float_domain { min: 0 max: 40 }
      annotation { tag: "unit: mm" comment: "a day, mm" }
    }
    feature { name: "area" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } }
    feature { name: "wet" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } int_domain { max: 1 } }
    feature { name: "crop" type: BYTES presence { min_count: 1 } value_count { min: 1 max: 1 } }
    feature {
      name: "harvest" type: FLOAT presence { min_count: 1 } value_count { min: 1 max: 1 }
      annotation { tag: "unit: t" comment: "of the field, t" }
    }
    feature {
      name: "sown" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 }
      annotation { tag: "unit: s" comment: "time of sowing, s since 1970" }
    }
    """,
    schema_pb2.Schema(),
)

STATISTICS = Statistics(
    vocabularies={"soil": tuple(soil.encode() for soil in SOILS)},
    boundaries={"rain": (0.0, 2.0, 5.0, 9.0, 40.0), "area": (1.0, 10.0, 20.0, 40.0, 99.0)},
    label_mean=30.0,
    label_scale=12.5,
)

TASKS: dict[str, dict[str, Any]] = {
    "binary": {"title": "Is this field wet?", "task": "binary", "label": "wet", "evaluation": {"threshold": 0.4}},
    "multiclass": {"title": "What grows here?", "task": "multiclass", "label": "crop", "classes": list(CROPS)},
    "regression": {"title": "How much will it bear?", "task": "regression", "label": "harvest"},
}
# A regression of numbers that float32 cannot tell apart: its steps there are 128.
SECONDS = "seconds"
OFFSET = 1_700_000_000
_PROBLEMS = TASKS | {SECONDS: {"title": "When was it sown?", "task": "regression", "label": "sown"}}


def statistics_of(task: str) -> Statistics:
    """What the network of a task knows of its training data."""
    if task != SECONDS:
        return STATISTICS
    return replace(STATISTICS, label_mean=OFFSET + 0.25, label_scale=75.0, label_offset=float(OFFSET))


@cache
def bound_problem(task: str) -> BoundProblem:
    """The problem of a task."""
    values = {
        "name": f"fields_{task}",
        "data": {"path": "data", "source": "a survey of fields", "license": "CC0-1.0"},
        "features": {
            "soil": {"encoding": "vocabulary"},
            "week": {"encoding": "identity"},
            "rain": {"encoding": "quantiles", "buckets": 4},
            "area": {"encoding": "quantiles", "buckets": 4},
        },
        "network": {"hidden_units": [64, 32], "embedding_size": 6, "numeric_knots": 5, "members": 2},
        # Untrained networks are worse than any bound, and the forms and files are looked at here, not the verdicts.
        "device": {"variants": list(VARIANTS), "calibration_rows": 64, "max_metric_drop": 99.0, "max_flip_rate": 1.0},
    }
    return bind(Problem.from_mapping(values | _PROBLEMS[task], "literal"), SCHEMA)


def make_device_models(task: str, folder: Path) -> Path:
    """The DeviceModels artifact's folder of an untrained model of the task, by the node."""
    tf_keras.utils.set_random_seed(11)
    bound, statistics = bound_problem(task), statistics_of(task)
    known = {column.name: column for column in columns(SCHEMA).values()}
    export(RowModel(bound, statistics, build_network(bound, statistics)), known, folder / "model")
    (folder / "graph").mkdir()
    (folder / "graph" / FILE).write_text(statistics.to_json(), encoding="utf-8")
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_text(str(SCHEMA), encoding="utf-8")
    made = _artifact(DeviceModels, folder / "made")
    DeviceModelsGen.test_call(
        model=_artifact(Model, folder / "model"),
        examples=_artifact(Examples, write_rows(folder)),
        schema=_artifact(Schema, folder / "schema"),
        transform_graph=_artifact(TransformGraph, folder / "graph"),
        device_models=made,
        bound=bound.model_dump_json(),
        cache=str(folder / "cache"),
        fingerprint="code",
    )
    return folder / "made"


def device_bundle(task: str, models: Path) -> DeviceBundle:
    """What the bundle of these models is made of."""
    variants = json.loads((models / "variants.json").read_text(encoding="utf-8"))
    accepted = [variant for variant in variants if variant["accepted"]]
    return DeviceBundle(models, accepted, bound_problem(task), SCHEMA, "span 3")


def lay(task: str, models: Path, folder: Path) -> Path:
    """The bundle, laid as a release lays it."""
    folder.mkdir(parents=True)
    device_bundle(task, models).lay(folder, STAMP)
    return folder


def write_rows(folder: Path) -> Path:
    """An Examples artifact's folder of one span, with a training and a test split."""
    span = StoredSpan(3, str(folder / "store" / "03-1a2b-all"), {"train": 128, "test": 64})
    for place, (split, count) in enumerate(span.rows.items()):
        write_examples(raw_rows(count, place), SCHEMA, Path(span.folder) / f"Split-{split}")
    link_spans([span], folder / "examples", ("train", "test"))
    return folder / "examples"


def raw_rows(count: int, seed: int) -> pa.Table:
    """Rows with missing and unseen values."""
    draw = np.random.default_rng(seed)
    soils = draw.choice(np.array([*SOILS, "peat", None], dtype=object), count)
    rain = draw.gamma(2.0, 3.0, count).astype(np.float32)
    return pa.table(
        {
            "soil": pa.array(soils, pa.string()),
            "week": pa.array(draw.integers(8, 13, count), pa.int64()),
            "rain": pa.array(rain, pa.float32(), mask=draw.random(count) < 0.1),
            "area": pa.array(draw.integers(1, 99, count), pa.int64()),
            "wet": pa.array((rain > 6).astype(np.int64)),
            "crop": pa.array(draw.choice(np.array(CROPS, dtype=object), count), pa.string()),
            "harvest": pa.array(draw.normal(30, 12, count).astype(np.float32)),
            "sown": pa.array(OFFSET + draw.normal(0, 75, count).astype(np.int64)),
        }
    )


def _artifact(kind: type[Artifact], folder: Path) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    made = kind()
    made.uri = str(folder)
    return made
