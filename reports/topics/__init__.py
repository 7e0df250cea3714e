"""Chapters of a model card, a function each: what a run's artifacts and config say, as parts."""
