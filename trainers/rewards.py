"""The reward of a training run: our rewards through TRL's adapter, with scheduled weights, and all that is logged."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from accelerate.utils import gather_object

from trainers.recipe import Point
from vrft_rewards import FormatIssue, Score, Status, parse_detections, parse_label
from vrft_rewards import parse_response as parse
from vrft_rewards.adapters.trl import Judged, TrlReward
from vrft_rewards.completions import completion_text

UNREADABLE = "unreadable_answer"
FAILURES = (*(str(issue.value) for issue in FormatIssue), UNREADABLE)
_SPREAD = 1e-6  # what TRL's own float32 rewards can tell apart


class Scored(NamedTuple):
    """A completion as the other processes need to know it."""

    id: str
    task: str
    value: float
    parts: dict[str, float]
    failures: tuple[str, ...]


@dataclass
class TrainingReward(TrlReward):
    """`TrlReward` for a whole run. Logged are, over the completions of all processes:

    - `reward_parts/<task>/<part>`: mean; `.../group_std`: mean spread within a group; `.../flat_groups`: share of the
      groups in which it has no spread
    - `flat_groups/<task>`: share of groups in which the whole reward has no spread, which teach nothing
    - `parse_failures/<task>/<kind>`: share of completions
    - `reward_weights/<part>`: the factor of a scheduled part; `reward_time`: seconds in this process

    and below `folder` `samples.jsonl` (a few completions with score and reason) and `groups.jsonl` (each prompt's mean
    and spread). A group is `group_size` completions in a row.
    """

    group_size: int = 1
    schedule: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    folder: Path | None = None
    samples: int = 0
    every: int = 1

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list[str]], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Score every completion against the truth in its row."""
        start = time.perf_counter()
        state = columns.get("trainer_state")
        step = 0 if state is None else int(state.global_step)
        factors = {part: _at(points, step) for part, points in self.schedule.items()}
        judged = [item for item in self.judged(completions, columns) if item is not None]
        if len(judged) != len(completions):
            raise ValueError("task: a row has none")
        values = [self._value(item, factors) for item in judged]
        ids = columns.get("id") or [str(row) for row in range(len(judged))]
        own = [
            Scored(name, item.task, value, dict(item.score.parts), self._failures(completion, item))
            for name, item, value, completion in zip(ids, judged, values, completions, strict=True)
        ]
        spent = time.perf_counter() - start
        everyone: list[Scored] = gather_object(own)
        start = time.perf_counter()
        groups = [everyone[k : k + self.group_size] for k in range(0, len(everyone), self.group_size)]
        metrics = _metrics(everyone, groups) | {f"reward_weights/{part}": value for part, value in factors.items()}
        if self.folder is not None and (state is None or state.is_world_process_zero):
            self._write(step, groups, own, judged, completions)
        metrics["reward_time"] = spent + time.perf_counter() - start
        if log_metric is not None:
            for name, value in metrics.items():
                log_metric(name, value)
        if log_extra is not None:
            log_extra("reason", [item.score.reason for item in judged])
        return [*values]

    def _value(self, item: Judged, factors: Mapping[str, float]) -> float:
        if not factors:
            return item.score.value
        reward = self.tasks[item.task].reward
        return sum(
            factors.get(key, 1.0) * weight * item.score.parts[key]
            for key, weight in zip(reward.keys, reward.weights, strict=True)
        )

    def _failures(self, completion: object, item: Judged) -> tuple[str, ...]:
        """Why a completion couldn't be read; most can, so only those that were paid too little are looked at again."""
        if item.score.parts.get("format") and _paid_for_answer(item.score):
            return ()
        response = parse(completion_text(completion))
        kinds = [str(issue.value) for issue in response.issues]
        answer = response.answer or ""
        if answer.strip() and not _readable(answer, item.task):
            kinds.append(UNREADABLE)
        return tuple(kinds)

    def _write(
        self,
        step: int,
        groups: list[list[Scored]],
        own: list[Scored],
        judged: list[Judged],
        completions: Sequence[Any],
    ) -> None:
        assert self.folder is not None
        rows: list[dict[str, Any]] = []
        for group in groups:
            values = [item.value for item in group]
            spread = _spread(values)
            rows.append(
                {"step": step, "id": group[0].id, "task": group[0].task, "mean": float(np.mean(values)), "std": spread}
            )
        _append(self.folder / "groups.jsonl", rows)
        if step % self.every or not self.samples:
            return
        chosen = np.unique(np.linspace(0, len(own) - 1, min(self.samples, len(own))).astype(int)).tolist()
        _append(
            self.folder / "samples.jsonl",
            [
                {
                    "step": step,
                    "id": own[k].id,
                    "task": own[k].task,
                    "completion": completion_text(completions[k]),
                    "reward": own[k].value,
                    "parts": own[k].parts,
                    "reason": judged[k].score.reason,
                }
                for k in chosen
            ],
        )


def _metrics(everyone: list[Scored], groups: list[list[Scored]]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for task in dict.fromkeys(item.task for item in everyone):
        mine = [item for item in everyone if item.task == task]
        together = [group for group in groups if group[0].task == task]
        metrics[f"flat_groups/{task}"] = _share_flat([[item.value for item in group] for group in together])
        for part in mine[0].parts:
            name = f"reward_parts/{task}/{part}"
            values = [[item.parts[part] for item in group] for group in together]
            metrics[name] = sum(item.parts[part] for item in mine) / len(mine)
            metrics[f"{name}/group_std"] = float(np.mean([_spread(group) for group in values]))
            metrics[f"{name}/flat_groups"] = _share_flat(values)
        counts: dict[str, int] = defaultdict(int)
        for item in mine:
            for kind in item.failures:
                counts[kind] += 1
        for kind in FAILURES:  # all of them each time: TRL averages over the steps that name one
            metrics[f"parse_failures/{task}/{kind}"] = counts[kind] / len(mine)
    return metrics


def _spread(values: Sequence[float]) -> float:
    return 0.0 if max(values) - min(values) <= _SPREAD else float(np.std(values))


def _share_flat(groups: list[list[float]]) -> float:
    return sum(_spread(group) == 0 for group in groups) / len(groups)


def _at(points: Sequence[Point], step: int) -> float:
    steps, values = zip(*sorted(points), strict=True)
    return float(np.interp(step, steps, values))


def _paid_for_answer(score: Score) -> bool:
    return any(value for part, value in score.parts.items() if part != "format")


def _readable(answer: str, task: str) -> bool:
    if task == "classification":
        return parse_label(answer).status is Status.LABEL
    return parse_detections(answer, out_of_range="keep").status is not Status.UNPARSABLE


def _append(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append lines; what a crash tore is ended first, so that it spoils no other line."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    with file.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, 2)
            if stream.read(1) != b"\n":
                text = "\n" + text
        stream.write(text.encode("utf-8"))
