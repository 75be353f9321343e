"""How the checkpoints that ship with vrft_eval are made, from nothing: `python -m trainers.demo`."""
