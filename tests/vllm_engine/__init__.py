"""The vLLM backend on the real engine."""
