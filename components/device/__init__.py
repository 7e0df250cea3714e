"""The node that makes and judges device models."""
