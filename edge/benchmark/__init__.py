"""What a variant costs: bytes, microseconds, memory."""
