"""What a device bundle's README says of a manifest."""

from typing import Any

from reports.device_docs.device_readme import device_readme

MANIFEST: dict[str, Any] = {
    "title": "Will it sell?",
    "version": 1_700_000_000,
    "created": "2023-11-14T22:13:20+00:00",
    "data_window": "span 3",
    "task": "binary",
    "label": "sold",
    "classes": [],
    "threshold": 0.5,
    "output": {"name": "score", "size": 1, "unit": "", "description": "the probability that sold is 1"},
    "variants": [],
    "features": [
        {
            "name": "day",
            "kind": "integer",
            "unit": "",
            "description": "",
            "missing": 20130100,
            "minimum": 20130101,
            "maximum": 20131231,
        },
        {"name": "price", "kind": "number", "unit": "", "description": "", "missing": None, "minimum": 0.1},
    ],
}


def test_a_domain_has_its_integers_ends_in_full() -> None:
    text = device_readme(MANIFEST)

    assert "20130101 to 20131231" in text
    assert "0.1 to any" in text
