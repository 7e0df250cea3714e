"""The network, its layers, and what its weights stand for."""
