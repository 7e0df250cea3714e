"""The same problem with TFX's own components, wired as TFX's template wires them."""
