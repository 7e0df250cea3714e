"""Techniques that make a trained network smaller."""
