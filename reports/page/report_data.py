"""What a report says, as data: `report.json`."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from reports.runs.run import MissingArtifactError, Run


def report_data(run: Run) -> dict[str, Any]:
    """The record, the config, and what the artifacts say; a part that the run does not have is null."""
    return {
        "run": dict(run.record),
        "config": dict(run.config),
        "spans": _or_none(lambda: run.spans),
        "statistics": _or_none(lambda: _statistics(run)),
        "anomalies": _or_none(lambda: [asdict(one) for one in run.anomalies.found]),
        "drift": _or_none(lambda: _drift(run)),
        "training": _or_none(lambda: [asdict(curve) for curve in run.training.curves]),
        "evaluation": _or_none(lambda: _evaluation(run)),
        "variants": _or_none(lambda: [dict(one) for one in run.variants.variants]),
    }


def _or_none(part: Callable[[], Any]) -> Any:
    try:
        return part()
    except MissingArtifactError:
        return None


def _statistics(run: Run) -> dict[str, Any]:
    splits = run.statistics.splits
    return {split: {name: asdict(one) for name, one in features.items()} for split, features in splits.items()}


def _drift(run: Run) -> dict[str, Any]:
    found = run.drift
    measured = {one.feature: one.divergence for one in found.drifts}
    return {"now": found.now, "before": found.before, "jensen_shannon_divergence": measured}


def _evaluation(run: Run) -> dict[str, Any]:
    found = run.evaluation
    slices = [
        {
            "name": one.name,
            "rows": one.rows,
            **{
                side: {metric.name: asdict(found.estimate(one, metric, side)) for metric in found.metrics}
                for side, measured in one.sides.items()
                if measured
            },
        }
        for one in found.slices
    ]
    bounds = [{**asdict(bound), "features": list(bound.features)} for bound in found.bounds]
    return {"main_metric": found.metric.name, "bounds": bounds, "slices": slices}
