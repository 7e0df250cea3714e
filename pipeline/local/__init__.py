"""A run on this machine, from its flags to its record."""
