"""Rewards that can be verified, for vision-language models: parse, match, score."""
