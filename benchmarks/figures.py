"""Evaluation figures of both sides' runs, and of one model that both Evaluators have evaluated, as JSON.

Run: python -m benchmarks.figures --stock DIR.. --ours DIR.. --again DIR --result FILE, with the output folders of the
runs of each side, and that of the stock Evaluator alone on the model and examples of the last of ours.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# TFMA finds all that it needs only once TFX has been imported.
import tfx.v1  # noqa: F401

from benchmarks.pairs import auc_content
from benchmarks.same_model import compare
from benchmarks.side import artifact
from reports.artifacts.evaluation import CANDIDATE, overall_metrics
from schema.errors import PipelineError

METRIC = "auc"


def collect(stock: Sequence[Path], ours: Sequence[Path], again: Path) -> dict[str, Any]:
    """AUC of every run, the evaluation of the last pair side by side, and how far one model's evaluations lie apart.

    Raises:
        InputError: if a run left no evaluation, or a figure of the one model is in one evaluation alone.
    """
    of_stock, of_ours = [_metrics(output) for output in stock], [_metrics(output) for output in ours]
    difference = compare(_evaluation(again), _evaluation(ours[-1]))
    return {
        "auc": auc_content([run[METRIC] for run in of_stock], [run[METRIC] for run in of_ours]),
        "evaluation": side_by_side(of_stock[-1], of_ours[-1]),
        "same_model": {
            "numbers": difference.numbers,
            "largest_difference": difference.largest,
            "where": difference.where,
        },
    }


def side_by_side(stock: dict[str, float], ours: dict[str, float]) -> dict[str, dict[str, float]]:
    """The metrics that both sides have, by name."""
    return {name: {"stock": value, "ours": ours[name]} for name, value in stock.items() if name in ours}


def _evaluation(output: Path) -> Path:
    return artifact(output, "Evaluator", "evaluation")


def _metrics(output: Path) -> dict[str, float]:
    return overall_metrics(_evaluation(output))[CANDIDATE]


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.figures", description=__doc__, allow_abbrev=False)
    for side in ("stock", "ours"):
        parser.add_argument(f"--{side}", type=Path, nargs="+", required=True, help=f"output folders of {side}")
    parser.add_argument("--again", type=Path, required=True, help="output folder of the stock Evaluator alone")
    parser.add_argument("--result", type=Path, required=True, help="the JSON file that is written")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Writes the figures; returns the exit code: 0 done, 2 bad input."""
    chosen = parse(arguments)
    try:
        found = collect(chosen.stock, chosen.ours, chosen.again)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    chosen.result.write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
