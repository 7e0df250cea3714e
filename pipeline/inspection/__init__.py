"""What runs have left: lineage, verification, and a release's answers."""
