"""What nodes leave for a model card, laid out by hand around an evaluation of tests/components/conftest.py."""

import json
import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf

SCHEMA = """
feature { name: "score" type: FLOAT presence { min_fraction: 1 } float_domain { min: 0 max: 1 }
  annotation { comment: "how late it was before, hours" } }
feature { name: "late" type: INT int_domain { min: 0 max: 1 } }
feature { name: "carrier" type: BYTES }
"""
SPANS = [
    {"span": 4, "folder": "/elsewhere/04-beef-all", "rows": {"train": 20, "eval": 2, "test": 5}},
    {"span": 3, "folder": "/elsewhere/03-cafe-all", "rows": {"train": 10, "eval": 1, "test": 3}},
]
NETWORK = {"hidden_units": [24], "embedding_size": 4, "numeric_knots": 8, "members": 2, "dropout": 0.25}
REST = {"learning_rate": 0.01, "weight_decay": 0.0, "averaging": 0.5, "batch_size": 64, "epochs": 6, "patience": 2}
CONFIG: dict[str, Any] = {
    "problem": {
        "name": "judged",
        "title": "Late?",
        "description": "Scores flights.",
        "limits": "Knows no weather.",
        "task": "binary",
        "label": "late",
        "classes": [],
        "features": {"score": {"encoding": "quantiles", "buckets": 16, "top_k": 1000}},
        "split": {"key": "carrier", "train": 7, "eval": 1, "test": 2},
        "network": {**NETWORK, **REST},
        "evaluation": {"threshold": 0.5, "min_slice_rows": 3},
        "device": {"max_metric_drop": 0.002, "max_flip_rate": 0.02, "min_accepted": 1},
    },
    "environment": {"training": {"strategy": "none", "workers": 0, "local_workers": 0, "warm_start": "off", "seed": 7}},
    "sample_rows": None,
    "lineage": {"problem": "judged", "seed": 7, "source": "1a2b", "versions": {"tfx": "1.21.0"}},
}
MISSED = "auc 0.9375 is 0.0125 below its floor 0.95"


class Halving(tf.Module):
    """Half of a number, under the names of both forms."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "score")])
    def predict_rows(self, score: tf.Tensor) -> dict[str, tf.Tensor]:
        """For servers."""
        return {"probability": score / 2}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "score")])
    def serving_default(self, score: tf.Tensor) -> dict[str, tf.Tensor]:
        """For devices."""
        return {"score": score[:, tf.newaxis] / 2}


def variant(name: str, *reasons: str) -> dict[str, Any]:
    """An entry of variants.json; accepted without reasons against it."""
    figures = {"bytes": 4000, "gzip_bytes": 3000, "metric": "auc", "value": 0.9375, "auc": 0.9375, "flip_rate": 0.0}
    speed = {"latency_p50_us": 20.0, "latency_p95_us": 30.0, "rows_per_second": 1000.0}
    return {"name": name, **figures, **speed, "accepted": not reasons, "reasons": list(reasons)}


VARIANTS = [variant("float32"), variant("int8", "flip rate 0.0300 is 0.0100 above the 0.0200 allowed")]


def lay_out(
    folder: Path, evaluation: Path, reasons: tuple[str, ...] = (), variants: list[dict[str, Any]] | None = None
) -> dict[str, Path]:
    """Artifacts by `<node>.<output>` below a folder; `reasons` are those against a release."""
    chosen = VARIANTS if variants is None else variants
    module, model = Halving(), folder / "model"
    server = {"predict_rows": module.predict_rows}
    tf.saved_model.save(module, str(model / "Format-Serving"), signatures=server)
    tf.saved_model.save(module, str(model / "Format-Device"), signatures={"serving_default": module.serving_default})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(model / "Format-Device"))
    devices = folder / "devices"
    devices.mkdir()
    content = converter.convert()
    for one in chosen:
        (devices / f"{one['name']}.tflite").write_bytes(content)
    shutil.copytree(evaluation, folder / "evaluation")
    _write(devices / "variants.json", json.dumps(chosen))
    _write(folder / "schema" / "schema.pbtxt", SCHEMA)
    _write(folder / "examples" / "spans.json", json.dumps(SPANS))
    _write(folder / "serving" / "verdict.json", json.dumps({"passed": True, "reasons": [], "rows": 64}))
    verdict = {"blessed": not reasons, "reasons": list(reasons), "metrics": {}}
    _write(folder / "blessing" / "verdict.json", json.dumps(verdict))
    names = {
        "ExampleGen.examples": "examples",
        "ImportSchemaGen.schema": "schema",
        "Trainer.model": "model",
        "Evaluator.evaluation": "evaluation",
        "ServingValidator.verdict": "serving",
        "DeviceModels.device_models": "devices",
        "ReleaseGate.blessing": "blessing",
    }
    return {name: folder / path for name, path in names.items()}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
