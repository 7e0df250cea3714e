"""Nodes that judge the server model."""
