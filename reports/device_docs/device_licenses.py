"""A device bundle's LICENSES.md: what is in it, and under which terms."""

from collections.abc import Mapping, Sequence
from typing import Any

from reports.render.html import Column, Table, words
from reports.render.markdown import heading, paragraph, table

UNKNOWN = "not told: problem.yaml has no data.license"


def device_licenses(manifest: Mapping[str, Any], data_license: str, data_source: str) -> str:
    """What the bundle's files and what runs them are licensed under.

    Args:
        manifest: the bundle's.
        data_license: of the data that the models were trained on, as an SPDX identifier; empty where it is not known.
        data_source: where the data is from; empty where nobody has said so.
    """
    kinds = ("part", "what", "licence")
    bundled = [
        ("*.tflite", "models, trained and converted by this project", "Apache-2.0"),
        ("manifest.json, README.md, LICENSES.md", "texts made by this project", "Apache-2.0"),
        (
            "golden.json, vocab.json, and what the models learnt",
            f"of the data{f' of {data_source}' if data_source else ''}",
            data_license or UNKNOWN,
        ),
    ]
    needed = [
        ("ai-edge-litert (PyPI), with libLiteRt.so", "LiteRT for Python and C", "Apache-2.0"),
        ("@litertjs/core (npm)", "LiteRT for browsers", "Apache-2.0"),
        ("com.google.ai.edge.litert:litert (Maven)", "LiteRT for Android", "Apache-2.0"),
        ("TensorFlowLiteSwift (CocoaPods)", "TensorFlow Lite for iOS", "Apache-2.0"),
        ("numpy (PyPI)", "arrays, in Python alone", "BSD-3-Clause"),
    ]
    return (
        "\n\n".join(
            [
                heading("Licences", 1),
                paragraph(f"Of version {manifest['version']} of the device models of {manifest['problem']}."),
                heading("In this folder", 2),
                _table("In this folder", kinds, bundled),
                heading("Needed beside it", 2),
                paragraph("One of the runtimes, none of which is in this folder; each carries its own notices."),
                _table("Needed beside it", kinds, needed),
            ]
        )
        + "\n"
    )


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    columns = [Column(label, is_number=False) for label in head]
    return table(Table(title, columns, [[words(text) for text in row] for row in rows]))
