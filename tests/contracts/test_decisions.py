"""The decision records: each with its number and status, what revises it named in both places, and no link astray."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "docs" / "adr" / "README.md", *RECORDS]
LIST = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
STATUS: dict[str, str] = dict(re.findall(r"^\| \[(\d{4})\]\(.*\| ([^|]*) \|$", LIST, re.M))


def status(record: Path) -> str:
    """What stands below the title, to the next empty line."""
    found = re.match(r"# \d{4}: .*\n\nStatus: ((?:.+\n)+)", record.read_text(encoding="utf-8"))
    return found[1] if found else ""


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_its_number_and_its_status(record: Path) -> None:
    assert record.read_text(encoding="utf-8").startswith(f"# {record.name[:4]}: ")
    assert status(record).startswith("accepted")


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_the_list_names_the_later_records_that_the_status_names(record: Path) -> None:
    number = record.name[:4]
    later = sorted(named for named in re.findall(r"\[(\d{4})\]", status(record)) if named > number)

    assert STATUS[number] == ("accepted; see " + ", ".join(later) if later else "accepted")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
    links = re.findall(r"\]\(([^)#\s]+)", prose)
    astray = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert astray == []
