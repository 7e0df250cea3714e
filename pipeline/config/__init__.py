"""What a run is asked to do: problem, environment and flags, as one checked record."""
