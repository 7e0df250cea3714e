"""From a SavedModel to the variants that recipes make of it, in child processes, with a cache."""
