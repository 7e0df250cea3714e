"""One fit, on one device or many."""
