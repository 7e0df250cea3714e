"""TFX nodes: artifacts in, one call to a package below, artifacts out."""
