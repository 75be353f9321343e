"""One small file per RL framework: its calling convention on one side, our rewards on the other."""
