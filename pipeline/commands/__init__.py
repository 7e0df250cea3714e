"""Commands that look at what runs left, and at this machine."""
