"""What a device file says of itself."""

from typing import Annotated

from pydantic import Field

from schema.closed import Closed
from schema.rows import Kind

# Of the length of a release's version, so that stamping one moves no byte of the file.
PLACEHOLDER = "0000000000"


class CardFeature(Closed):
    """One input: its name, its kind, a short description, and its unit ("" where it has none)."""

    name: str
    kind: Kind
    # Brackets would be read as the unit's: see metadata.with_metadata.
    description: Annotated[str, Field(pattern=r"^([^\s\[\]]([^\[\]]*[^\s\[\]])?)?$")] = ""
    unit: Annotated[str, Field(pattern=r"^[^\[\]]*$")] = ""


class Card(Closed):
    """The model in a file.

    Attributes:
        problem: name of the problem.
        title: the question the model answers.
        variant: name of the recipe.
        form: raw, ids or packed.
        label: what is predicted.
        label_offset: what is to be added to the answers, in 64 bits, to have the label; mostly 0.
        classes: names of the label's classes in order; empty for a label of 0 and 1 and for a regression.
        threshold: probability from which the positive class is decided; None but for binary problems.
        features: one for each input.
        version: ten digits; zeros until the model is released.
        data_window: the rows it was trained on, as "2013-01-01 to 2013-12-31".
    """

    problem: str
    title: str
    variant: str
    form: str
    label: str
    label_offset: float = 0.0
    classes: tuple[str, ...] = ()
    threshold: float | None = None
    features: tuple[CardFeature, ...]
    version: Annotated[str, Field(pattern=r"^[0-9]{10}$")] = PLACEHOLDER
    data_window: str = ""
