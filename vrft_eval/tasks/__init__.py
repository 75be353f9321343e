"""What to ask and how to score it."""
