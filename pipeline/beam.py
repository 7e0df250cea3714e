"""Beam's arguments for an environment."""

from pipeline.config import Beam

# Beam's `DirectRunner` of today first tries to download another runner's binary from the network.
_RUNNERS = {"direct": "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"}


def beam_arguments(beam: Beam) -> list[str]:
    """Command-line arguments for Beam pipelines: one worker in this process."""
    return [
        f"--runner={_RUNNERS[beam.runner]}",
        "--direct_running_mode=in_memory",
        "--direct_num_workers=1",
        # The workers are threads of this process and need no package. Where nothing says how workers come by TFX, it
        # packs its own source anew for every Beam node, two seconds each.
        "--sdk_container_image=none",
    ]
