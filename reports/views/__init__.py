"""What a person looks at, one view a file: the same objects stand in notebook, report and model card."""
