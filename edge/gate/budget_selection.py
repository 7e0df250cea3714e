"""Which of the accepted variants to ship: the Pareto front, and the best within a budget."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from edge.gate.metric_change import Change, loss
from edge.gate.variant_score import VariantScore
from schema.closed import nearest
from schema.errors import InputError

# Decimal and binary multiples (IEC 80000-13).
_MULTIPLES = {"": 1, "k": 1000, "M": 1000**2, "Ki": 1024, "Mi": 1024**2}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?(?:e-?\d+)?)(k|M|Ki|Mi)?")


@dataclass(frozen=True)
class Candidate:
    """A variant as a choice sees it: what it costs, and `drop`, by how much its main metric is worse than the server's.

    What could not be measured is infinite.
    """

    name: str
    accepted: bool
    bytes: float
    gzip_bytes: float
    latency_us: float
    latency_p95_us: float
    peak_memory_bytes: float
    drop: float


@dataclass(frozen=True)
class Budget:
    """The most that a variant may take; None where nothing is asked. `latency_us` is the median of one row."""

    bytes: float | None = None
    gzip_bytes: float | None = None
    latency_us: float | None = None
    latency_p95_us: float | None = None
    peak_memory_bytes: float | None = None
    drop: float | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The budget of a text such as `bytes=200k,latency_us=50`; k and M are decimal, Ki and Mi binary.

        Raises:
            InputError: for an unknown key, one that is given twice, and what is no amount.
        """
        found: dict[str, float] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            key, _, amount = (part.strip() for part in entry.partition("="))
            if key not in cls.__dataclass_fields__:
                raise InputError(f"--budget: no key '{key}'.{nearest(key, list(cls.__dataclass_fields__))}")
            if key in found:
                raise InputError(f"--budget: '{key}' is given twice")
            found[key] = _amount(key, amount)
        return cls(**found)

    def exceeded(self, candidate: Candidate) -> tuple[str, ...]:
        """What the candidate takes too much of, each with both numbers; empty where it fits."""
        asked = {key: most for key, most in asdict(self).items() if most is not None}
        return tuple(
            f"{key} {_shown(getattr(candidate, key))} > {_shown(most)}"
            for key, most in asked.items()
            if getattr(candidate, key) > most
        )


@dataclass(frozen=True)
class Choice:
    """The variant to ship, None where none fits; `unfit`: why each other one may not be, by name."""

    chosen: str | None
    unfit: Mapping[str, tuple[str, ...]]


def candidates(entries: Iterable[Mapping[str, Any]]) -> list[Candidate]:
    """The candidates of variants.json; what an older file does not have counts as not measured."""
    return [
        Candidate(
            name=str(entry["name"]),
            accepted=bool(entry["accepted"]),
            bytes=float(entry["bytes"]),
            gzip_bytes=float(entry["gzip_bytes"]),
            latency_us=float(entry["latency_p50_us"]),
            latency_p95_us=float(entry["latency_p95_us"]),
            peak_memory_bytes=_or_infinite(entry.get("peak_memory_bytes")),
            drop=_drop(entry),
        )
        for entry in entries
    ]


def front(given: Sequence[Candidate]) -> frozenset[str]:
    """Names of the accepted ones that no other accepted one beats.

    One beats another that is at least as good in bytes, gzip bytes, median latency and metric, and better in one of
    them. So each on the front is the answer to some budget.
    """
    accepted = [one for one in given if one.accepted]
    return frozenset(one.name for one in accepted if not any(_beats(other, one) for other in accepted))


def with_front(scores: Sequence[VariantScore]) -> list[VariantScore]:
    """The scores with those on the front marked."""
    names = front(candidates(vars(score) for score in scores))
    return [replace(score, pareto=score.name in names) for score in scores]


def choose(given: Sequence[Candidate], budget: Budget) -> Choice:
    """The accepted candidate with the best metric within the budget; of equals the smaller, then the faster one."""
    unfit = {one.name: budget.exceeded(one) if one.accepted else ("rejected by the gate",) for one in given}
    fitting = [one for one in given if not unfit[one.name]]
    best = min(fitting, key=lambda one: (one.drop, one.bytes, one.gzip_bytes, one.latency_us), default=None)
    return Choice(best.name if best else None, {name: why for name, why in unfit.items() if why})


def _beats(one: Candidate, other: Candidate) -> bool:
    ones = (one.bytes, one.gzip_bytes, one.latency_us, one.drop)
    others = (other.bytes, other.gzip_bytes, other.latency_us, other.drop)
    return ones != others and all(mine <= theirs for mine, theirs in zip(ones, others, strict=True))


def _drop(entry: Mapping[str, Any]) -> float:
    """By the change; without one, as in older files, by the value alone, whose order is the same."""
    change, value = entry.get("change"), entry.get("value")
    moved = value if change is None else change
    return _or_infinite(loss(Change("", 0, None, None, moved), str(entry["metric"])))


def _or_infinite(value: float | None) -> float:
    return math.inf if value is None else float(value)


def _amount(key: str, text: str) -> float:
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise InputError(
            f"--budget: {key}: expected a number, or one with k, M, Ki or Mi, such as 200k. Received: '{text}'"
        )
    return float(found[1]) * _MULTIPLES[found[2] or ""]


def _shown(amount: float) -> str:
    if math.isinf(amount):
        return "not measured"
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}" if amount >= 1 else f"{amount:.4f}"
