"""`vrft-eval check`: what is missing or odd in a task's data."""
