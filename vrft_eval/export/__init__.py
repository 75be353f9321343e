"""Finished runs for other people's tools: tables, samples, model cards, experiment trackers."""
