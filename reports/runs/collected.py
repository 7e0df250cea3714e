"""What a run's artifacts say of it, for its record."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.artifacts.evaluation import overall_metrics
from reports.artifacts.ledger import load_ledger
from schema import training_record
from schema.json_file import read_json
from schema.run_warnings import read_warnings


def collected(artifacts: Mapping[str, Path]) -> dict[str, Any]:
    """Fields of the record that the artifacts know.

    They are status, rows, ledger, training, warnings, metrics, variants, blessed, reasons and pushed.

    Args:
        artifacts: folders by `<node>.<output>`; a field whose artifact is not among them is left out.
    """
    found: dict[str, Any] = {"status": "finished"}
    if "ExampleGen.examples" in artifacts:
        found["rows"] = split_rows(artifacts["ExampleGen.examples"])
    found["ledger"] = load_ledger(artifacts)
    if "Trainer.model_run" in artifacts:
        found["training"] = _training(artifacts["Trainer.model_run"])
    found["warnings"] = _warnings(artifacts)
    if "Evaluator.evaluation" in artifacts:
        found["metrics"] = overall_metrics(artifacts["Evaluator.evaluation"])
    if "DeviceModels.device_models" in artifacts:
        entries = read(artifacts["DeviceModels.device_models"] / "variants.json")
        # A record is read whenever runs are listed: the worst slice is in it, and hundreds of others are not.
        found["variants"] = [{key: value for key, value in one.items() if key != "slices"} for one in entries]
    if "ReleaseGate.blessing" in artifacts:
        verdict = read(artifacts["ReleaseGate.blessing"] / "verdict.json")
        found |= {"blessed": verdict["blessed"], "reasons": verdict["reasons"]}
        found["status"] = "blessed" if verdict["blessed"] else "not blessed"
    if "Pusher.pushed_model" in artifacts:
        found |= {"pushed": read(artifacts["Pusher.pushed_model"] / "pushed.json"), "status": "pushed"}
    return found


def read(path: Path) -> Any:
    """What a JSON file of a node's says."""
    return json.loads(path.read_text(encoding="utf-8"))


def _training(model_run: Path) -> dict[str, Any]:
    """What `training.json` says; empty of a training that an earlier version ran."""
    file = model_run / training_record.FILE
    record: dict[str, Any] = read(file) if file.is_file() else {}
    return record


def _warnings(artifacts: Mapping[str, Path]) -> list[str]:
    """What nodes have to say, each behind its name, in the order of the names."""
    return [
        f"{name.partition('.')[0]}: {message}"
        for name, folder in sorted(artifacts.items())
        for message in read_warnings(folder)
    ]


def split_rows(examples: Path) -> dict[str, int]:
    """Rows by split of an Examples artifact, as ExampleGen counted them; those without a label as `unlabelled`."""
    totals: dict[str, int] = {}
    for span in read_json(examples / "spans.json"):
        for split, rows in span["rows"].items():
            totals[split] = totals.get(split, 0) + rows
    return totals
