"""The four stages of the graph, each from the outputs of those before it."""
