"""Apache Beam: options, runners, workers and their errors."""
