"""The rule of Visual-RFT's own classification script, accidents included: for comparison, never the headline."""

from __future__ import annotations

_OPEN, _CLOSE = "<answer>", "</answer>"


def released_answer(completion: str) -> str | None:
    """Return what the script takes for the answer: the first <answer>...</answer> on one line, else None.

    Linear in the completion, which the script's regular expression is not.

    >>> released_answer("<think>A rose.</think><answer>rose</answer>"), released_answer("<answer>rose")
    ('rose', None)
    """
    for line in completion.split("\n"):
        _, opened, rest = line.partition(_OPEN)
        answer, closed, _ = rest.partition(_CLOSE)
        if opened and closed:
            return answer
    return None


def released_accepts(completion: str, truth: str) -> bool:
    """Whether the script counts a completion as right: one name holds the other, spaces and underscores aside.

    So an empty answer is always right, and 'rose' for 'desert rose'. Source: Visual-RFT (arXiv 2503.01785),
    classification/Qwen2_VL_classification_infere.py.

    >>> released_accepts("<answer></answer>", "rose"), released_accepts("<answer>tulip</answer>", "rose")
    (True, False)
    """
    answer = released_answer(completion)
    if answer is None:
        return False
    said, name = _squeezed(answer), _squeezed(truth)
    return name in said or said in name


def _squeezed(text: str) -> str:
    return text.replace(" ", "").replace("_", "").lower()
