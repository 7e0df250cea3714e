"""From raw columns to what a network takes: statistics, encodings, and the graph that Transform writes."""
