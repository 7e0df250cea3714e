"""How rows enter a device file: as raw strings, as ids, or as words of packed strings."""
