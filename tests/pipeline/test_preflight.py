"""What a run says of its data before TensorFlow is loaded."""

from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.preflight import check_headers
from schema.errors import InputError
from tests.crops import PROBLEMS, write_crops


@pytest.mark.parametrize(
    ("years", "told"), [(range(2019, 2020), "1 span and its columns in"), (range(2019, 2021), "2 spans and their col")]
)
def test_the_spans_that_are_in_order_are_counted(tmp_path: Path, years: range, told: str) -> None:
    config = load_config(str(PROBLEMS / "crops"), data=str(write_crops(tmp_path, years)))

    assert check_headers(config).startswith(f"crops: config, {told}")


def test_data_in_another_format_leads_to_the_pattern(tmp_path: Path) -> None:
    (tmp_path / "year-2019.parquet").touch()
    config = load_config(str(PROBLEMS / "crops"), data=str(tmp_path))

    told = r"no file fits data\.pattern 'year-\{SPAN:4\}\.csv'\. The folder has year-2019\.parquet"
    with pytest.raises(InputError, match=told):
        check_headers(config)
