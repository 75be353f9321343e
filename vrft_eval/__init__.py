"""Evaluation harness of Visual-RFT: run a checkpoint, score it, report it."""
