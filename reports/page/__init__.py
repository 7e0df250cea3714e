"""The run report and TFMA's page."""
