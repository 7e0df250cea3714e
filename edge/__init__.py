"""One SavedModel to LiteRT variants: their conversion, their running and their scores."""
