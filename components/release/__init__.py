"""Nodes that decide on a release and write it."""
