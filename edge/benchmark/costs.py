"""What variants take: bytes, time and memory."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from edge.benchmark.memory import peak_memory
from edge.benchmark.timing import in_turn, quietest
from edge.gate.variant_score import Cost, gzip_size
from edge.runtime.litert_model import Columns, DeviceModel, first_rows, row_count

# Rows of one batch, of which the speed and the memory are measured.
_BATCH_ROWS = 512

# 4,000 single rows of each variant, some 0.2 s a variant: 50 a turn, of which the first finds cold caches.
_ROUNDS, _RUNS, _WARM_UP = 80, 50, 20
_PASSES = 3


def measure_costs(models: Mapping[str, Path], rows: Columns) -> dict[str, Cost]:
    """The cost of each variant's raw form by name; times are measured in turn, so that they can be compared.

    Args:
        models: a .tflite file by name.
        rows: raw rows, an array [N] for each input.

    Raises:
        InputError: if a file is no model of such rows, or there is no row.
        PipelineError: if the process that measures memory fails.
    """
    devices = {name: DeviceModel(path) for name, path in models.items()}
    calls = {name: one.single_rows(rows) for name, one in devices.items()}
    single = quietest(in_turn(calls, _ROUNDS, _RUNS, _WARM_UP))
    passes = {name: [partial(one.predict, rows, _BATCH_ROWS)] for name, one in devices.items()}
    whole = in_turn(passes, _PASSES)
    batch = first_rows(rows, _BATCH_ROWS)
    costs = {}
    for name, path in models.items():
        content = path.read_bytes()
        p50, p95 = (float(value) * 1e6 for value in np.percentile(single[name], [50, 95]))
        speed = row_count(rows) / float(whole[name].min())
        costs[name] = Cost(len(content), gzip_size(content), p50, p95, speed, peak_memory(path, batch))
    return costs
