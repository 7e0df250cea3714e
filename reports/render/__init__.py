"""From values to HTML and Markdown."""
