"""The checkpoints and generated data sets that ship with the package."""
