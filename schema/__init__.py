"""What crosses a boundary: the problem, its features and its spans. Imports neither TensorFlow nor TFX."""
