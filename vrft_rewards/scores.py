"""What a reward returns, for one completion and for many, and GRPO's advantages from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

__all__ = ["Score", "ScoreBatch", "group_advantages"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Score:
    """The reward of one completion: its value, the parts it is the weighted sum of, and why."""

    value: float
    parts: Mapping[str, float]
    reason: str

    def __float__(self) -> float:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class ScoreBatch:
    """The rewards of b completions: ``values`` (b,) float64, each part as (b,) float64, b reasons."""

    values: FloatArray
    parts: dict[str, FloatArray]
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of completions."""
        return len(self.reasons)

    def __getitem__(self, index: int) -> Score:
        """Return one completion's Score."""
        parts = {key: float(values[index]) for key, values in self.parts.items()}
        return Score(float(self.values[index]), parts, self.reasons[index])


Method = Literal["std", "mean", "leave-one-out"]


@overload
def group_advantages(
    rewards: npt.ArrayLike,
    group_size: int,
    method: Method = "std",
    epsilon: float = 1e-8,
    *,
    return_flat: Literal[False] = False,
) -> FloatArray: ...
@overload
def group_advantages(
    rewards: npt.ArrayLike,
    group_size: int,
    method: Method = "std",
    epsilon: float = 1e-8,
    *,
    return_flat: Literal[True],
) -> tuple[FloatArray, BoolArray]: ...
def group_advantages(
    rewards: npt.ArrayLike,
    group_size: int,
    method: Method = "std",
    epsilon: float = 1e-8,
    *,
    return_flat: bool = False,
) -> FloatArray | tuple[FloatArray, BoolArray]:
    """Return the (b,) advantages of b rewards, where every ``group_size`` in a row answer one prompt.

    ``std``: A_i = (r_i - mean) / std of the group, GRPO (Visual-RFT, arXiv 2503.01785). ``mean``: without the
    division (Dr. GRPO). ``leave-one-out``: r_i minus the mean of the others (RLOO). A group without spread
    has nothing to teach: its advantages are zeros, never NaN. ``return_flat`` also returns which groups these are,
    (b / group_size,) bool: a prompt whose answers all earn the same is too easy, too hard, or badly rewarded.

    Raises ValueError when the rewards aren't finite or don't fill whole groups.

    >>> group_advantages([0, 1, 2, 2], 2).tolist()
    [-1.0, 1.0, 0.0, 0.0]
    >>> group_advantages([0, 1, 2, 2], 2, return_flat=True)[1].tolist()
    [False, True]
    """
    try:
        values = np.asarray(rewards, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"rewards: expected numbers, got {rewards!r:.80}") from None
    if not isinstance(group_size, (int, np.integer)) or group_size < 1 or len(values) % group_size:
        raise ValueError(f"group_size: {len(values)} rewards don't fill groups of {group_size!r}")
    if not np.isfinite(values).all():
        index = int(np.argmin(np.isfinite(values)))
        raise ValueError(f"rewards[{index}]: expected a finite number, got {values[index]}")
    groups = values.reshape(-1, group_size)
    centred = groups - groups.mean(axis=1, keepdims=True)
    # Equal rewards can have a mean that is off by a rounding; what's left then is noise, not spread.
    std = groups.std(axis=1, keepdims=True)
    flat: BoolArray = (groups.min(axis=1) == groups.max(axis=1)) | (std[:, 0] <= epsilon)
    centred[flat] = 0.0
    if method == "std":
        centred = np.divide(centred, std, out=np.zeros_like(centred), where=~flat[:, None])
    elif method == "leave-one-out":
        centred = centred * (group_size / (group_size - 1)) if group_size > 1 else centred
    elif method != "mean":
        raise ValueError(f"method: expected 'std', 'mean' or 'leave-one-out', got {method!r}")
    advantages: FloatArray = centred.reshape(-1)
    return (advantages, flat) if return_flat else advantages
