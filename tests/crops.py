"""A second problem, unlike the sample: three classes, missing values, other names, spans that are years in one file."""

from pathlib import Path

import numpy as np

HEADER = "farm,soil,rain_mm,sowing_week,ph,crop"


def write_crops(folder: Path, years: range = range(2019, 2022), rows: int = 600) -> None:
    """One CSV a year; the crop follows soil and rain, with noise; every eighth rain is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for year in years:
        (folder / f"year-{year}.csv").write_text("\n".join([HEADER, *_lines(year, rows)]) + "\n", encoding="utf-8")


def _lines(year: int, rows: int) -> list[str]:
    random = np.random.default_rng(year)
    lines = []
    for row in range(rows):
        soil = str(random.choice(["clay", "loam", "sand"]))
        rain = float(random.gamma(9.0, 70.0))
        wet = rain > 600
        best = {"clay": "maize" if wet else "barley", "loam": "maize" if wet else "rye", "sand": "rye"}[soil]
        crop = best if random.random() < 0.85 else str(random.choice(["barley", "maize", "rye"]))
        shown = "" if row % 8 == 0 else f"{rain:.1f}"
        lines.append(
            f"{random.integers(1, 60)},{soil},{shown},{random.integers(8, 21)},{random.normal(6.5, 0.5):.2f},{crop}"
        )
    return lines
