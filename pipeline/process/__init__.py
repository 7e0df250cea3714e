"""This process: its output, its imports and its children."""
