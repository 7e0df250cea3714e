"""The metadata store: where it is, how it is reached, and what it says of executions."""
