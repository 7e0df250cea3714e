"""Whether a variant is good enough: its scores against the server model's, and why it lost."""
