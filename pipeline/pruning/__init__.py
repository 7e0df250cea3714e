"""Removal of old runs and of what only they need."""
