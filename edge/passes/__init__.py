"""What a recipe does to a converted model: one pass per module, bytes to bytes."""
