"""LiteRT files run in this process."""
