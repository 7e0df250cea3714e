"""Measurements beside other ways of doing the same: run by hand, imported by nothing."""
