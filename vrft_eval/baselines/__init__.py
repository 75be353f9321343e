"""Published results as data, and a run beside them."""
