"""A table unlike the sample: classes or a number to predict, missing values, other names, spans that are years."""

from pathlib import Path

import numpy as np

PROBLEMS = Path(__file__).resolve().parent / "data" / "problems"
HEADER = "farm,soil,rain_mm,sowing_week,ph,crop,yield_t"

# Tonnes a hectare in a year of 600 mm.
_YIELD = {"barley": 6.0, "maize": 9.0, "rye": 5.0}


def write_crops(folder: Path, years: range = range(2019, 2022), rows: int = 600) -> Path:
    """One CSV a year; the crop follows soil and rain, with noise, and the yield crop and rain; some rain is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for year in years:
        (folder / f"year-{year}.csv").write_text("\n".join([HEADER, *_lines(year, rows)]) + "\n", encoding="utf-8")
    return folder


def _lines(year: int, rows: int) -> list[str]:
    random = np.random.default_rng(year)
    return [_line(random, row) for row in range(rows)]


def _line(random: np.random.Generator, row: int) -> str:
    soil = str(random.choice(["clay", "loam", "sand"]))
    rain = float(random.gamma(9.0, 70.0))
    wet = rain > 600
    best = {"clay": "maize" if wet else "barley", "loam": "maize" if wet else "rye", "sand": "rye"}[soil]
    crop = best if random.random() < 0.85 else str(random.choice(["barley", "maize", "rye"]))
    grown = _YIELD[crop] + (rain - 600) / 200 + random.normal(0, 0.3)
    shown = "" if row % 8 == 0 else f"{rain:.1f}"
    week, farm, ph = random.integers(8, 21), random.integers(1, 60), random.normal(6.5, 0.5)
    return f"{farm},{soil},{shown},{week},{ph:.2f},{crop},{grown:.2f}"
