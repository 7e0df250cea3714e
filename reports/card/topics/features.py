"""The model's inputs."""

from typing import Any

from reports.render.html import Column, Table, words
from reports.render.parts import Paragraph, Tabulated, Topic
from reports.runs.run import Run
from schema.described import in_digits
from schema.problem import Encoding
from schema.rows import columns, read_schema

_MANY = 8


def features(run: Run) -> Topic:
    """A line an input: type, encoding, domain, and what schema.pbtxt says it is."""
    schema = read_schema(run.artifact("ImportSchemaGen.schema") / "schema.pbtxt")
    kinds, known = columns(schema), {feature.name: feature for feature in schema.feature}
    labels = ("feature", "type", "encoding", "values")
    head = [*(Column(label, is_number=False) for label in labels), Column("meaning", is_number=False, wraps=True)]
    lines = []
    for name, chosen in run.config["problem"]["features"].items():
        told = (name, str(kinds[name].kind), encoding(chosen), domain(known[name], kinds[name].values))
        lines.append([words(text) for text in (*told, known[name].annotation.comment[0] if _told(known[name]) else "")])
    if not any(line[-1].text for line in lines):
        head, lines = head[:-1], [line[:-1] for line in lines]
    said = (
        "A text or whole number that training has not seen has a place of its own, and so has a missing value: "
        "every row gets an answer."
    )
    return Topic("Features", "features", [Paragraph(said), Tabulated(Table("Features", head, lines))])


def _told(feature: Any) -> bool:
    return bool(feature.annotation.comment)


def encoding(chosen: dict[str, Any]) -> str:
    """How a feature becomes a number, in a few words."""
    kind = Encoding(chosen["encoding"])
    sizes = {
        Encoding.VOCABULARY: f", at most {chosen['top_k']:,} values",
        Encoding.QUANTILES: f", {chosen['buckets']} buckets",
    }
    return kind + sizes.get(kind, "")


def domain(feature: Any, values: tuple[str, ...]) -> str:
    """What a feature may be, as schema.pbtxt has it; empty where it says nothing."""
    if values:
        return ", ".join(values) if len(values) <= _MANY else f"{len(values)} values"
    kind = feature.WhichOneof("domain_info")
    if kind not in ("int_domain", "float_domain"):
        return ""
    limits = getattr(feature, kind)
    least = in_digits(limits.min) if limits.HasField("min") else "any"
    most = in_digits(limits.max) if limits.HasField("max") else "any"
    return f"{least} to {most}"
