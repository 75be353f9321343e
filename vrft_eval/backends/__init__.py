"""Who answers. A backend takes prompts and yields answers as they finish, in any order."""

from vrft_eval.backends.protocol import Answer, Backend, Constraint, EngineDied, Prompt, Sampling

__all__ = ["Answer", "Backend", "Constraint", "EngineDied", "Prompt", "Sampling"]
