"""Runs that are killed, starved or started twice."""
