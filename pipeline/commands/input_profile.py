"""What a profile says of the input pipeline, as text: TensorBoard's page of profiles draws by Google Charts, online."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_OPERATIONS = 3


def input_lines(folder: Path) -> list[str]:
    """The mean step, how long of it was a wait for input, and what the input pipeline itself was at, by its own time.

    Args:
        folder: of one profile, `.../plugins/profile/<time>`; the converter leaves what it has worked out there.
    """
    from xprof.convert.raw_to_tool_data import xspace_to_tool_data

    files = [str(path) for path in sorted(folder.glob("*.xplane.pb"))]
    data, _ = xspace_to_tool_data(files, "input_pipeline_analyzer", {})
    return told(json.loads(data))


def told(tables: Iterable[dict[str, Any]]) -> list[str]:
    """The same of the analyzer's tables, those of XProf's page: the second has the steps, the third the operations."""
    _, steps, operations, *_ = tables
    means, count = steps["p"], len(steps["rows"])
    step, waited = means["steptime_ms_average"], means["infeed_time_ms_avg"]
    lines = [f"a step takes {step} ms (mean of {count}), {waited} ms of it for input"]
    columns = [column["id"] for column in operations["cols"]]
    rows = [dict(zip(columns, (cell["v"] for cell in row["c"]), strict=True)) for row in operations["rows"]]
    rows.sort(key=lambda row: -row["selfTimeInMs"])
    for row in rows[:_OPERATIONS]:
        own, share = row["selfTimeInMs"] / max(count, 1), row["selfTimeInPercent"]
        lines.append(f"  {own:.2f} ms a step beside it ({share:.0%}): {row['opName']}")
    return lines
