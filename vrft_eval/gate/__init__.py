"""The gate of two-stage detection: which categories of an image are asked for boxes, who said so, and how well."""
