"""Rows as training and evaluation read them."""
