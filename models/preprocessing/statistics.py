"""What the encodings know of the training split, and the file that carries it from Transform to the Trainer."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from schema.bound import BoundProblem
from schema.errors import InputError

# In the folder of the TransformGraph artifact, beside what TFT writes there.
FILE = "statistics.json"


@dataclass(frozen=True)
class Statistics:
    """Statistics of the training split.

    vocabularies: terms by feature, most frequent first.
    boundaries: [minimum, quantiles.., maximum] by feature, ascending; zeros for a feature that is never present.
    label_mean, label_scale: of a regression label; 0 and 1 for other tasks.
    label_offset: see schema.precision.label_offset; 0 for other tasks.
    """

    vocabularies: dict[str, tuple[bytes, ...]]
    boundaries: dict[str, tuple[float, ...]]
    label_mean: float = 0.0
    label_scale: float = 1.0
    label_offset: float = 0.0

    @property
    def answer_mean(self) -> float:
        """The label's mean as float32 answers have it: less the offset."""
        return self.label_mean - self.label_offset

    def ids(self, bound: BoundProblem, feature: str) -> int:
        """How many ids a categorical feature has, the ones for missing and unseen included."""
        if feature in self.vocabularies:
            return len(self.vocabularies[feature]) + 2
        minimum, maximum = bound.domains[feature]
        return maximum - minimum + 2

    def to_json(self) -> str:
        """As JSON; bytes that are no UTF-8 keep their value."""
        vocabularies = {
            name: [term.decode("utf-8", "surrogateescape") for term in terms]
            for name, terms in self.vocabularies.items()
        }
        return json.dumps({**asdict(self), "vocabularies": vocabularies}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Statistics":
        """The statistics that `to_json` wrote."""
        values = json.loads(text)
        return cls(
            vocabularies={
                name: tuple(term.encode("utf-8", "surrogateescape") for term in terms)
                for name, terms in values["vocabularies"].items()
            },
            boundaries={name: tuple(numbers) for name, numbers in values["boundaries"].items()},
            label_mean=values["label_mean"],
            label_scale=values["label_scale"],
            label_offset=values["label_offset"],
        )


def read_statistics(transform_graph: Path) -> Statistics:
    """The statistics in a TransformGraph artifact's folder.

    Raises:
        InputError: if it has none, as a graph that the stock Transform wrote.
    """
    path = transform_graph / FILE
    if not path.is_file():
        raise InputError(f"{path}: not found. Expected a TransformGraph of this project's Transform, which writes it.")
    return Statistics.from_json(path.read_text(encoding="utf-8"))
