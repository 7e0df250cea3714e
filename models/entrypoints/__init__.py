"""What TFX's nodes and worker processes call by name."""
