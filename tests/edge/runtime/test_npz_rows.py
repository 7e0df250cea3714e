"""Columns in a file come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from edge.runtime import npz_rows
from schema.errors import InputError


@pytest.mark.parametrize("name", ["carrier", "file", "allow_pickle"])
def test_every_name_of_a_column_can_be_kept(name: str, tmp_path: Path) -> None:
    columns = {name: np.array([b"AA", b"", b"long one"], object), "hour": np.array([1, 2, 3])}

    npz_rows.save(tmp_path / "rows.npz", columns)

    found = npz_rows.load(tmp_path / "rows.npz")
    assert list(found) == [name, "hour"]
    assert found[name].tolist() == [b"AA", b"", b"long one"]
    np.testing.assert_array_equal(found["hour"], columns["hour"])


def test_strings_are_bytes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'carrier': expected bytes"):
        npz_rows.save(tmp_path / "rows.npz", {"carrier": np.array(["AA"], object)})
