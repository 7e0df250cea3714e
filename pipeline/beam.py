"""Beam's arguments for an environment."""

from pipeline.config import Beam

# Beam's `DirectRunner` of today first tries to download another runner's binary from the network.
_RUNNERS = {"direct": "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"}


def beam_arguments(beam: Beam) -> list[str]:
    """Command-line arguments for Beam pipelines: one worker in this process."""
    return [f"--runner={_RUNNERS[beam.runner]}", "--direct_running_mode=in_memory", "--direct_num_workers=1"]
