"""What the HPARAMS page reads of a search, through TensorBoard's own loaders."""

from pathlib import Path

import pytest
from keras_tuner import HyperParameters
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.util import tensor_util

from models.entrypoints.trial_summaries import EVAL_LOSS, write_search, write_trial

VALUES = {"learning_rate": 0.25, "embedding_size": 8}


def plugin_data(folder: Path, tag: str) -> plugin_data_pb2.HParamsPluginData:
    """What the folder's events hold for the plugin under the tag."""
    content = EventAccumulator(str(folder)).Reload().SummaryMetadata(tag).plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


def test_a_searchs_columns_and_ranges_are_told(tmp_path: Path) -> None:
    space = HyperParameters()
    space.Float("learning_rate", 0.1, 0.5)
    space.Choice("embedding_size", [8, 16])

    write_search(space, tmp_path)

    experiment = plugin_data(tmp_path, metadata.EXPERIMENT_TAG).experiment
    ranges = {
        info.name: (info.domain_interval.min_value, info.domain_interval.max_value) for info in experiment.hparam_infos
    }
    assert ranges == {"learning_rate": (0.1, 0.5), "embedding_size": (8.0, 16.0)}
    assert [info.name.tag for info in experiment.metric_infos] == [EVAL_LOSS]


def test_a_trial_has_its_values_and_its_loss(tmp_path: Path) -> None:
    write_trial(VALUES, 0.5, tmp_path / "3")

    start = plugin_data(tmp_path / "3", metadata.SESSION_START_INFO_TAG).session_start_info
    assert {name: value.number_value for name, value in start.hparams.items()} == VALUES
    assert start.group_name.endswith(" trial 3")
    (loss,) = EventAccumulator(str(tmp_path / "3")).Reload().Tensors(EVAL_LOSS)
    assert tensor_util.make_ndarray(loss.tensor_proto) == 0.5
    end = plugin_data(tmp_path / "3", metadata.SESSION_END_INFO_TAG).session_end_info
    assert end.status == api_pb2.STATUS_SUCCESS


@pytest.mark.parametrize("loss", [None, float("nan")])
def test_a_trial_that_diverged_has_failed_and_has_no_loss(loss: float | None, tmp_path: Path) -> None:
    write_trial(VALUES, loss, tmp_path / "3")

    end = plugin_data(tmp_path / "3", metadata.SESSION_END_INFO_TAG).session_end_info
    assert end.status == api_pb2.STATUS_FAILURE
    assert EVAL_LOSS not in EventAccumulator(str(tmp_path / "3")).Reload().Tags()["tensors"]
