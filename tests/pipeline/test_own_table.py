"""The README's recipe for another table, followed to the letter."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = "date,shop,weekday,price,sold\n2024-01-01,north,1,2.5,12\n2024-01-01,south,1,,7\n"


def blocks() -> list[str]:
    """The files that the recipe shows, in its order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    recipe = readme.partition("## Bring your own table")[2].partition("\n## ")[0]
    return [re.sub("^   ", "", block, flags=re.M) for block in re.findall(r"```\w*\n(.*?)```", recipe, re.S)]


def test_the_files_of_the_recipe_are_in_order(tmp_path: Path) -> None:
    schema, problem = blocks()
    folder, spans = tmp_path / "schema" / "sales", tmp_path / "data" / "sales"
    folder.mkdir(parents=True)
    (folder / "schema.pbtxt").write_text(schema, encoding="utf-8")
    (folder / "problem.yaml").write_text(problem, encoding="utf-8")
    for span in ("span-01", "span-02"):
        (spans / span).mkdir(parents=True)
        (spans / span / "rows.csv").write_text(ROWS, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, str(ROOT / "run_local.py"), "--problem", str(folder), "--data", str(spans), "--dry-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"sales: config, 2 spans and their columns in {spans} are in order\n"
