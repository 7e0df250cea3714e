"""Nodes from raw spans to transformed Examples."""
