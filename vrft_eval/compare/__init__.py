"""Two or more runs over the same data: what differs, and whether it is more than chance."""
