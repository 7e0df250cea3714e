"""A run on one screen: pure functions from the record to lines of text."""

from pathlib import Path

from reports.run_record import RunRecord

_MARKS = {"ran": "✓", "cached": "=", "skipped": "·", "failed": "✗"}


def node_line(node: str, status: str, seconds: float) -> str:
    """One node's line: its mark, name, status and seconds."""
    return f"  {_MARKS[status]} {node:<18}{status:<9}{seconds:>7.1f} s"


def result_lines(record: RunRecord) -> list[str]:
    """Metrics, variants and verdict of a finished run."""
    lines = ["", *_metrics(record)]
    if record.variants:
        lines += ["", *_variants(record)]
    return [*lines, "", *_verdict(record)]


def _metrics(record: RunRecord) -> list[str]:
    candidate, baseline = record.metrics["candidate"], record.metrics["baseline"]
    if not candidate:
        return []
    head = f"  {'test split':<22}{'candidate':>11}"
    lines = [head + (f"{'baseline':>11}{'change':>10}" if baseline else "   (no baseline yet)")]
    for name, value in sorted(candidate.items(), key=lambda item: item[0] != "example_count"):
        text = f"{value:,.0f}" if name == "example_count" else f"{value:.4f}"
        line = f"  {name:<22}{text:>11}"
        if name in baseline and name != "example_count":
            line += f"{baseline[name]:>11.4f}{value - baseline[name]:>+10.4f}"
        lines.append(line)
    return lines


def _variants(record: RunRecord) -> list[str]:
    metric = record.variants[0]["metric"]
    lines = [f"  {'device variant':<16}{'bytes':>10}{'gzip':>10}{metric[:9]:>10}{'flipped':>9}{'p50':>9}  verdict"]
    for variant in record.variants:
        value = "none" if variant["value"] is None else f"{variant['value']:.4f}"
        lines.append(
            f"  {variant['name']:<16}{variant['bytes']:>10,}{variant['gzip_bytes']:>10,}{value:>10}"
            f"{variant['flip_rate']:>9.2%}{variant['latency_p50_us']:>6.0f} µs  "
            + ("accepted" if variant["accepted"] else f"rejected: {variant['reasons'][0]}")
        )
    return lines


def _verdict(record: RunRecord) -> list[str]:
    if record.pushed:
        return [f"  blessed and pushed: version {record.pushed['version']}"]
    if record.reasons:
        return ["  not blessed, not pushed:", *(f"    {reason}" for reason in record.reasons[:8])]
    return []


def shortened(path: Path, base: Path) -> str:
    """The path as a person at `base` would type it."""
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
