"""What a person looks at: pure functions of a run's artifacts."""
