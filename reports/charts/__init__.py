"""Charts as SVG: pure functions of numbers, drawn by matplotlib."""
