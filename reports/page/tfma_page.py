"""TFMA's own page elements on one page: its widgets need a notebook that no longer exists, these need a browser."""

import html
import json
import math
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

Slice = tuple[tuple[str, str | int | float], ...]

# The elements' script, which is TFMA's and begins with its licence notice (Apache-2.0), stands in the page unchanged.
_SCRIPT = ("static", "vulcanized_tfma.js")

# Only these hosts are asked, for code, styles and fonts, and none is sent anything.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' https://www.gstatic.com; "
    "style-src 'unsafe-inline' https://www.gstatic.com https://fonts.googleapis.com; "
    "font-src https://fonts.gstatic.com; img-src data: https://www.gstatic.com; form-action 'none'; base-uri 'none'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }}
.note {{ background: #fff6d6; border-left: 4px solid #c90; padding: .6rem 1rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p class="note">The tables and drawings on this page come from Google Charts, whose code the browser fetches from
www.gstatic.com: they need a network. <a href="{report}">The report that needs none is {report}.</a>
<strong id="offline" hidden>It could not be reached just now, so they stay empty.</strong></p>
{sections}
<script>
// TFMA's elements have no answer to a refused request of that code: it would be an uncaught error for each of them.
addEventListener('unhandledrejection', (event) => {{
  if (event.reason instanceof Event && event.reason.target.src?.startsWith('https://www.gstatic.com/')) {{
    event.preventDefault();
    document.getElementById('offline').hidden = false;
  }}
}});
</script>
<script>
{script}
</script>
<script>
for (const data of document.querySelectorAll('script[type="application/json"]')) {{
  const element = data.previousElementSibling;
  const given = JSON.parse(data.textContent);
  element.config = given.config;
  element.data = given.data;
}}
</script>
</body>
</html>
"""


def tfma_page(evaluations: Mapping[str, Path], *, title: str, report: str, plotted: Slice = ()) -> str:
    """A page with the last evaluation's metrics by slice, its plots, and the course of all of them.

    Args:
        evaluations: folders of ModelEvaluation artifacts by the name of each, such as a run's id, oldest first.
        title: of the page.
        report: where the report that needs no network lies, relative to the page.
        plotted: the slice whose plots are shown, such as (("carrier", "UA"),); empty is the whole test split.

    Raises:
        ValueError: if there is no evaluation, or no such slice in the last.
    """
    if not evaluations:
        raise ValueError("tfma_page: expected one evaluation or more. Received: none")
    results = {name: _candidate(folder) for name, folder in evaluations.items()}
    newest = list(results.values())[-1]
    sections = [*_slicing_metrics(newest), *_plots(newest, plotted)]
    if len(results) > 1:
        sections.append(_time_series(results))
    return _PAGE.format(
        policy=_POLICY,
        title=html.escape(title),
        report=html.escape(report),
        sections="\n".join(sections),
        script=_script(),
    )


def _candidate(folder: Path) -> Any:
    """TFMA's EvalResult of the model that was judged, and not of the one it was held against."""
    from tensorflow_model_analysis.api.model_eval_lib import load_eval_result
    from tensorflow_model_analysis.writers.eval_config_writer import load_eval_run

    config, *_ = load_eval_run(str(folder))
    names = [spec.name for spec in config.model_specs if not spec.is_baseline]
    # An evaluation without a baseline leaves its one model without a name.
    return load_eval_result(str(folder), model_name=next(iter(names), "") or None)


def _slicing_metrics(result: Any) -> list[str]:
    """The whole test split, then each set of columns that it was sliced by."""
    from tensorflow_model_analysis.slicer.slicer_lib import SingleSliceSpec
    from tensorflow_model_analysis.view import util

    columns = {tuple(column for column, _ in key): None for key, _ in result.slicing_metrics}
    sections = []
    for names in sorted(columns, key=lambda names: (len(names), names)):
        heading = f"Metrics by {' and '.join(names)}" if names else "Metrics of the whole test split"
        data = util.get_slicing_metrics(result.slicing_metrics, slicing_spec=SingleSliceSpec(columns=names))
        sections.append(_section(heading, "tfma-nb-slicing-metrics", data, util.get_slicing_config(result.config)))
    return sections


def _plots(result: Any, plotted: Slice) -> list[str]:
    """Calibration, ROC and the like of a binary label, the confusion matrix of classes; of a number there are none."""
    from tensorflow_model_analysis.slicer.slicer_lib import SingleSliceSpec
    from tensorflow_model_analysis.view import util

    drawn = [(key, outputs) for key, outputs in result.plots if outputs]
    if not drawn:
        return []
    spec = SingleSliceSpec(features=plotted)
    name = ", ".join(f"{column}={value}" for column, value in plotted) or "the whole test split"
    if not util.find_all_slices(drawn, spec):
        known = sorted({", ".join(f"{column}={value}" for column, value in key) for key, _ in drawn if key})
        raise ValueError(f"tfma_page: no slice {name} in the evaluation. Known: {'; '.join(known)}")
    data, config = util.get_plot_data_and_config(drawn, spec)
    return [_section(f"Plots of {name}", "tfma-nb-plot", data, config)]


def _time_series(results: Mapping[str, Any]) -> str:
    from tensorflow_model_analysis.api.model_eval_lib import make_eval_results
    from tensorflow_model_analysis.constants import MODEL_CENTRIC_MODE
    from tensorflow_model_analysis.slicer.slicer_lib import SingleSliceSpec
    from tensorflow_model_analysis.view import util

    data = util.get_time_series(make_eval_results(list(results.values()), MODEL_CENTRIC_MODE), SingleSliceSpec(), False)
    # Of its own, TFMA calls each model by the last folder of its path, which is the same for all of ours.
    for name, entry in zip(results, data, strict=True):
        entry["config"] = {"modelIdentifier": name, "dataIdentifier": name}
    return _section("The course of the evaluations", "tfma-nb-time-series", data, {"isModelCentric": True})


def _section(heading: str, element: str, data: Any, config: Any) -> str:
    given = json.dumps(_finite({"config": config, "data": data}), allow_nan=False)
    # Nothing in it may end the script that it stands in.
    safe = given.replace("<", "\\u003c")
    return (
        f"<section>\n<h2>{html.escape(heading)}</h2>\n<{element}></{element}>"
        f'<script type="application/json">{safe}</script>\n</section>'
    )


def _finite(value: Any) -> Any:
    """JSON knows no NaN, and TFMA's elements take null for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _script() -> str:
    text = resources.files("tensorflow_model_analysis").joinpath(*_SCRIPT).read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script")
