"""The errors a person can mend, drawn once.

PipelineError
├── RowCountError     rows were lost or added on the way: exit 1
├── InputError        bad usage, config or input: exit 2
│   └── DamagedFileError  a kept file does not hold what was written: exit 2
├── AnomalyError      the data does not fit the schema: exit 3
└── NotBlessedError   a model missed a bound: exit 4
"""


class PipelineError(Exception):
    """Something a person can mend; the message says what, where, and what would be right."""

    exit_code = 1


class RowCountError(PipelineError):
    """Two parts of a run count different rows; names the place and both numbers. The input is not to blame."""


class InputError(PipelineError):
    """Bad usage, config or input data; names the file and line, or the key."""

    exit_code = 2


class DamagedFileError(InputError):
    """A file of the project's own does not hold what was written to it; names the file."""


class AnomalyError(PipelineError):
    """The data does not fit the schema; names the feature, the anomaly and its count."""

    exit_code = 3


class NotBlessedError(PipelineError):
    """A model missed a bound; names the metric, the slice and by how much."""

    exit_code = 4
