"""One topic of the card per module."""
