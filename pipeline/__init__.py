"""Wiring: typed config, stages, and the one graph that every runner runs."""
