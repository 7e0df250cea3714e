"""What a report reads of a run's artifacts."""
