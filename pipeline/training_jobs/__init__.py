"""Training in pods and machines of its own."""
