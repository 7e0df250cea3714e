"""The encodings of a problem with its statistics as constants: what Transform, the server and the device all apply."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from models.preprocessing import encoding
from models.preprocessing.statistics import Statistics
from schema.bound import BoundProblem


class Encoder(tf.Module):
    """Dense raw columns to ids and ranks. The statistics are constants of the graph, so no file travels beside it."""

    def __init__(self, bound: BoundProblem, statistics: Statistics) -> None:
        super().__init__()
        self.bound, self.statistics = bound, statistics
        # Only where they are: a device file would carry an empty table.
        names = tuple(name.encode() for name in bound.problem.classes)
        self.classes: Any = vocabulary_table(names) if names else None
        self.tables = {name: vocabulary_table(terms) for name, terms in statistics.vocabularies.items()}

    def encode(self, rows: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Ids (int64) and ranks (float32) [N] of dense raw columns [N]; see BoundProblem.missing_value for gaps."""
        problem = self.bound.problem
        ids = {
            name: encoding.vocabulary_id(rows[name], table.lookup(rows[name])) for name, table in self.tables.items()
        }
        ids |= {name: encoding.identity_id(rows[name], *domain) for name, domain in self.bound.domains.items()}
        for names in problem.quantile_groups().values():
            ids |= self._ranks(names, rows)
        return {name: ids[name] for name in problem.features}

    def _ranks(self, names: tuple[str, ...], rows: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        boundaries = np.array([self.statistics.boundaries[name] for name in names], np.float32)
        numbers = tf.stack([rows[name] for name in names], axis=1)
        ranks = encoding.quantile_ranks(numbers, tf.constant(boundaries), encoding.bucket_scales(boundaries))
        return dict(zip(names, tf.unstack(ranks, num=len(names), axis=1), strict=True))


def vocabulary_table(terms: tuple[bytes, ...]) -> tf.lookup.StaticHashTable:
    """Terms to their places, -1 for any other. In the graph: a table read from a file fails on devices."""
    # A table may not be empty; the empty string is never looked at, since it means missing.
    keys = tf.constant(terms or (b"",), tf.string)
    values = tf.range(tf.size(keys, out_type=tf.int64), dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default_value=-1)
