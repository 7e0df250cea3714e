"""The device bundle of a released version: what its manifest says."""
