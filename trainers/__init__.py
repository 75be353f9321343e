"""Training, run from a checkout: python -m trainers.demo."""
