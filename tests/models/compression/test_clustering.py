"""K-means on a line, and weights that take its centroids."""

import numpy as np
import tensorflow as tf

from models.compression.clustering import centroids, clustered


def test_centroids_are_the_means_of_what_lies_near_them() -> None:
    values = np.array([[0.0, 0.2, 5.0], [10.0, 5.4, 0.1]], np.float32)

    np.testing.assert_allclose(centroids(values, 3), [0.1, 5.2, 10.0], rtol=1e-6)


def test_a_centroid_that_nothing_is_near_stays_and_the_order_too() -> None:
    found = centroids(np.array([0.0, 0.0, 9.0], np.float32), 4)

    np.testing.assert_allclose(found, [0, 3, 6, 9])


def test_of_equal_values_all_centroids_are_that_value() -> None:
    assert centroids(np.full(5, 2.5, np.float32), 2).tolist() == [2.5, 2.5]


def test_each_value_becomes_the_nearest_centroid() -> None:
    found = clustered(tf.constant([[0.9, 1.1], [-7.0, 8.0]]), tf.constant([0.0, 2.0, 3.0]))

    assert found.numpy().tolist() == [[0.0, 2.0], [0.0, 3.0]]


def test_more_centroids_lose_less_and_there_are_no_more_values_than_centroids() -> None:
    values = np.random.default_rng(3).normal(size=(50, 20)).astype(np.float32)
    gaps = []
    for count in (4, 16, 64):
        found = clustered(tf.constant(values), tf.constant(centroids(values, count))).numpy()
        assert len(np.unique(found)) <= count
        gaps.append(float(np.abs(found - values).mean()))
    assert gaps == sorted(gaps, reverse=True)


def test_the_gradient_passes_as_if_nothing_were_rounded() -> None:
    values = tf.constant([0.9, 1.1])
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = tf.reduce_sum(clustered(values, tf.constant([0.0, 2.0])) * tf.constant([3.0, 5.0]))

    assert tape.gradient(loss, values).numpy().tolist() == [3.0, 5.0]
