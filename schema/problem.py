"""What is predicted, from what, and how good it must be: the records behind `schema/<problem>/problem.yaml`."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from schema.closed import Closed, read_yaml
from schema.errors import InputError

# What every command takes when none is named.
DEFAULT_PROBLEM = "nyc_flights"

Share = Annotated[float, Field(ge=0, le=1)]

_SPAN_PATTERN = re.compile(r"(?!/|.*\*\*)[^{}]*\{SPAN(:[1-9])?\}[^{}]*")


def _refuse_repeated(names: tuple[str, ...], key: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{key}: '{name}' is given twice")


class Task(StrEnum):
    """The kind of label."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Encoding(StrEnum):
    """How a raw feature becomes a number the network can use.

    vocabulary  a string, looked up in the vocabulary of the training split; unseen and missing have ids of their own.
    identity    an integer within the schema's int_domain, offset to an id; anything else is out of domain.
    quantiles   a number, replaced by its rank among the training split's quantiles, in [0, 1].
    """

    VOCABULARY = "vocabulary"
    IDENTITY = "identity"
    QUANTILES = "quantiles"


class Feature(Closed):
    """One model input."""

    encoding: Encoding = Field(description="vocabulary, identity or quantiles")
    buckets: int = Field(default=32, ge=2, le=1024, description="quantile buckets (quantiles only)")
    top_k: int = Field(default=1000, ge=1, description="largest vocabulary kept, most frequent first (vocabulary only)")

    @model_validator(mode="after")
    def _takes(self) -> Self:
        for option, encoding in (("buckets", Encoding.QUANTILES), ("top_k", Encoding.VOCABULARY)):
            given = getattr(self, option) != type(self).model_fields[option].default
            if given and self.encoding is not encoding:
                raise ValueError(f"'{option}' goes with encoding '{encoding}' alone. Received: '{self.encoding}'")
        return self


class Data(Closed):
    """Where the rows are."""

    path: str = Field(description="folder of spans, relative to the working directory")
    pattern: str = Field(
        default="span-{SPAN:2}/*.csv", description="files of one span below the folder, in TFX's {SPAN} notation"
    )
    builder: str | None = Field(
        default=None,
        description="module of ingestion/, or .py file beside problem.yaml, whose build(folder) writes the data",
    )
    source: str = Field(default="", description="where the rows are from, for people")
    license: str = Field(default="", description="what the rows are licensed under, as an SPDX identifier")

    @field_validator("pattern")
    @classmethod
    def _has_span(cls, pattern: str) -> str:
        if not _SPAN_PATTERN.fullmatch(pattern):
            raise ValueError(
                "expected a path below data.path with one {SPAN} or {SPAN:width}, the width from 1 to 9, "
                f"without other braces and without **. Received: {pattern!r}"
            )
        return pattern


class Split(Closed):
    """How rows are dealt to train, eval and test."""

    key: str | None = Field(
        default=None, description="column whose equal values stay in one split; each row by itself when null"
    )
    train: int = Field(default=7, ge=1, description="buckets of the training split")
    eval: int = Field(default=1, ge=1, description="buckets of the split that early stopping watches")
    test: int = Field(default=2, ge=1, description="buckets of the split that models are judged on")


class Network(Closed):
    """Sizes and optimisation of the network."""

    hidden_units: tuple[int, ...] = Field(default=(192, 96), min_length=1, description="widths of the deep tower")
    embedding_size: int = Field(default=12, ge=1, description="width of each category's embedding")
    numeric_knots: int | None = Field(
        default=None,
        ge=2,
        description="knots of each number's piecewise-linear basis; null follows the rows: 2 to 16",
    )
    members: int = Field(default=8, ge=1, description="members of the ensemble inside the network; 1 turns it off")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="share of units dropped in training")
    learning_rate: float = Field(default=0.002, gt=0, description="AdamW's step size at its peak")
    weight_decay: float = Field(default=0.01, ge=0, description="AdamW's decoupled weight decay")
    averaging: float = Field(
        default=0.99, ge=0, lt=1, description="momentum of the weights' moving average; 0 turns it off"
    )
    batch_size: int | None = Field(
        default=None,
        ge=1,
        description="rows per step on each replica; null follows the rows: 16 to 1,024, for 64 steps per epoch",
    )
    epochs: int | None = Field(
        default=None,
        ge=1,
        description="passes over the training split at most; null follows the rows: 8, or more for 512 steps",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="epochs without a better eval loss before training stops; null: a quarter of the epochs, 2 or more",
    )

    @field_validator("hidden_units")
    @classmethod
    def _have_width(cls, units: tuple[int, ...]) -> tuple[int, ...]:
        if min(units) < 1:
            raise ValueError(f"expected widths of 1 or more. Received: {list(units)}")
        return units


class Evaluation(Closed):
    """What the candidate is measured by and held to."""

    metrics: tuple[str, ...] = Field(default=(), description="metric names; empty means all of the task")
    slices: tuple[tuple[str, ...], ...] = Field(default=(), description="lists of features to slice by")
    bounds: dict[str, float] = Field(
        default={}, description="worst value allowed, a metric: a floor where more is better, else a ceiling"
    )
    changes: dict[str, float] = Field(
        default={}, description="how much worse than the baseline a metric may be, in the metric's unit"
    )
    slice_bounds: dict[str, float] = Field(
        default={}, description="as bounds, for every slice of min_slice_rows or more"
    )
    min_slice_rows: int = Field(default=1000, ge=1, description="rows below which a slice is shown but not judged")
    threshold: Share = Field(default=0.5, description="probability from which the positive class is decided")
    intervals: bool = Field(
        default=True, description="95 % confidence intervals of every metric, over whole values of split.key"
    )


class Pattern(StrEnum):
    """Which weights of a dense layer pruning may set to 0.

    unstructured  the smallest ones, wherever they are.
    two_of_four   the two smallest of every four inputs that stand beside each other, for hardware that skips those.
    """

    UNSTRUCTURED = "unstructured"
    TWO_OF_FOUR = "two_of_four"


class FineTuning(Closed):
    """How the trained network is fine-tuned for the recipes that ask for a technique."""

    epochs: int | None = Field(
        default=None,
        ge=1,
        description="passes over the training split per technique; null follows the rows: 3, or more for 192 steps",
    )
    learning_rate: float = Field(default=0.001, gt=0, description="AdamW's step size at its peak")
    teacher: Share = Field(
        default=0.7, description="what the trained model's scores count for among the targets; labels are the rest"
    )
    sparsity: float = Field(
        default=0.77,
        gt=0,
        lt=1,
        description="share of dense layers' and embeddings' weights that pruning sets to 0",
    )
    pattern: Pattern = Field(
        default=Pattern.UNSTRUCTURED,
        description="unstructured, or two_of_four: of a dense layer's weights every second of four; embeddings as ever",
    )
    clusters: int = Field(default=32, ge=2, le=256, description="values that clustering leaves to a weight tensor")


class DropUnit(StrEnum):
    """What the bounds on a regression's device variants count in; those of other tasks are shares of rows or areas.

    deviation  the label's standard deviation over the test split, so that a bound means the same in every unit.
    metric     the metric's own unit, which is the label's.
    """

    DEVIATION = "deviation"
    METRIC = "metric"


class Device(Closed):
    """The LiteRT variants and what each is held to, against the server model."""

    variants: tuple[str, ...] = Field(
        default=("float32", "float16", "dynamic_int8", "int8"), min_length=1, description="recipes to convert"
    )
    fine_tuning: FineTuning = FineTuning()
    calibration_rows: int = Field(default=2048, ge=1, description="training rows the int8 ranges are read from")
    max_metric_drop: float = Field(
        default=0.002, ge=0, description="how much worse the variant's main metric may be than the server model's"
    )
    max_slice_drop: float = Field(
        default=0.01, ge=0, description="as max_metric_drop, on every slice of evaluation.min_slice_rows or more"
    )
    drop_unit: DropUnit = Field(
        default=DropUnit.DEVIATION,
        description="regressions: deviation, max_metric_drop and max_slice_drop are shares of the label's standard "
        "deviation; or metric, in its unit",
    )
    max_flip_rate: Share = Field(default=0.02, description="share of decisions that may differ from the server model's")
    min_accepted: int = Field(default=1, ge=0, description="variants that must pass for a release")
    trainable: bool = Field(default=False, description="whether to make trainable.tflite, which learns on the device")

    @model_validator(mode="after")
    def _can_pass(self) -> Self:
        _refuse_repeated(self.variants, "variants")
        if self.min_accepted > len(self.variants):
            raise ValueError(
                f"min_accepted: expected at most the {len(self.variants)} variants there are. "
                f"Received: {self.min_accepted}"
            )
        return self


class Anomalies(Closed):
    """Which data anomalies stop a run."""

    tolerate: tuple[str, ...] = Field(
        default=(), description="'feature:ANOMALY_TYPE' or 'feature' entries that are reported and let pass"
    )


class Problem(Closed):
    """One prediction problem; types, domains and presence stand in the schema.pbtxt beside it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="the folder's name")
    title: str = Field(description="the question the model answers")
    description: str = Field(default="", description="what the model is for, for people")
    limits: str = Field(default="", description="what the model is not for, and where it is weak, for people")
    task: Task = Field(description="binary, multiclass or regression")
    label: str = Field(description="column that is predicted")
    classes: tuple[str, ...] = Field(default=(), description="names of the label's classes in order, for string labels")
    data: Data
    split: Split = Split()
    features: dict[str, Feature] = Field(min_length=1, description="model inputs by column")
    network: Network = Network()
    evaluation: Evaluation = Evaluation()
    device: Device = Device()
    anomalies: Anomalies = Anomalies()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.label in self.features:
            raise ValueError(f"the label '{self.label}' may not be a feature")
        if self.task is Task.MULTICLASS and len(self.classes) < 2:
            raise ValueError(f"a multiclass problem needs at least two classes, received {list(self.classes)}")
        if self.task is Task.BINARY and len(self.classes) not in (0, 2):
            raise ValueError(f"a binary problem has two classes or none, received {list(self.classes)}")
        if self.task is Task.REGRESSION and self.classes:
            raise ValueError("a regression problem has no classes")
        _refuse_repeated(self.classes, "classes")
        return self

    @property
    def outputs(self) -> int:
        """Width of the network's last layer."""
        return len(self.classes) if self.task is Task.MULTICLASS else 1

    @property
    def label_values(self) -> list[str] | list[int]:
        """What the label may be; empty for a regression."""
        if self.task is Task.REGRESSION:
            return []
        return list(self.classes) or [0, 1]

    def of(self, encoding: Encoding) -> tuple[str, ...]:
        """Names of the features with this encoding, in order."""
        return tuple(name for name, feature in self.features.items() if feature.encoding is encoding)

    def quantile_groups(self) -> dict[int, tuple[str, ...]]:
        """Names of the quantile-encoded features by their number of buckets: each group is encoded at once."""
        groups: dict[int, tuple[str, ...]] = {}
        for name in self.of(Encoding.QUANTILES):
            buckets = self.features[name].buckets
            groups[buckets] = (*groups.get(buckets, ()), name)
        return groups


def problem_folder(name: str, root: Path) -> Path:
    """The folder of the problem called `name`, or the folder that `name` is a path to.

    Raises:
        InputError: if there is none; lists those there are.
    """
    for folder in (root / "schema" / name, Path(name)):
        if (folder / "problem.yaml").is_file():
            return folder
    known = sorted(path.parent.name for path in (root / "schema").glob("*/problem.yaml"))
    # An absolute path is one place and not two.
    places = " or ".join(dict.fromkeys((str(Path("schema") / name), name)))
    raise InputError(f"--problem: no problem.yaml in {places}. Known problems: {', '.join(known) or 'none'}.")


def read_problem(folder: Path) -> Problem:
    """The problem in `folder`.

    Raises:
        InputError: naming the file and key that is wrong.
    """
    path = folder / "problem.yaml"
    found = Problem.from_mapping(read_yaml(path), str(path))
    check_name(found, folder)
    return found


def check_name(problem: Problem, folder: Path) -> None:
    """Refuses a name that is not its folder's: releases lie under the name, and a copied folder would share them.

    Raises:
        InputError: with both names.
    """
    if problem.name != folder.resolve().name:
        raise InputError(
            f"{folder / 'problem.yaml'}: name: expected the folder's name, '{folder.resolve().name}'. "
            f"Received: '{problem.name}'"
        )
