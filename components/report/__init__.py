"""Nodes that write what a person looks at."""
