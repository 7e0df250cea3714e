"""Preprocessing, input, networks, one fit, and the export of every signature."""
