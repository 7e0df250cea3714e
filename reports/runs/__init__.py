"""Runs of an output folder: their records, and where they lie."""
