"""Runs as lines of a terminal."""
