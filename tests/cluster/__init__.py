"""The Ray backend on a real cluster of two nodes."""
