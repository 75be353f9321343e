"""The process in which a foreign function runs, so that a hang or a crash of it is a finding and no more.

Requests and replies are JSON, one a line. What the function prints goes elsewhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import os
import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from ..profiles import PROFILES
from ..rewards import ClassificationReward, DetectionReward, GroundingReward
from .forms import Call, Form, call_target, recognise

__all__ = ["load_target", "main"]

_THREADS = 4


def load_target(target: str, task: str, labels: list[str]) -> object:
    """Return what a target names: a profile's reward, or ``module:name`` (or ``file.py:name``); a class is built.

    Raises ValueError saying what isn't there.
    """
    if target in PROFILES:
        if task == "classification":
            return ClassificationReward(labels, profile=target)
        return DetectionReward(target) if task == "detection" else GroundingReward(target)
    place, _, name = target.rpartition(":")
    found: Any = _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{place} has no {name!r}")
        found = getattr(found, part)
    return found() if isinstance(found, type) else found


def _module(place: str) -> object:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    spec = importlib.util.spec_from_file_location(Path(place).stem, place)
    if spec is None or spec.loader is None or not Path(place).is_file():
        raise ValueError(f"no file {place}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as an import does, so that what it defines can be pickled
    spec.loader.exec_module(module)
    return module


def _score(target: object, call: Call, form: Form, case: list[Any]) -> dict[str, object]:
    start = time.process_time()
    try:
        value, changed = call_target(target, call, form, case[0], case[1])
    except TypeError as error:
        # A result that is no number and a TypeError of the function's own are told apart by where they rose.
        inner = error.__traceback__ is not None and error.__traceback__.tb_next is not None
        own = inner and "forms.py" not in _last_file(error)
        return {"error": "raises" if own else "no-number", "detail": f"{type(error).__name__}: {error}"[:200]}
    except (Exception, SystemExit) as error:
        return {"error": "raises", "detail": f"{type(error).__name__}: {error}"[:200]}
    seconds = time.process_time() - start
    if not math.isfinite(value):
        return {"error": "not-finite", "detail": str(value), "seconds": seconds}
    return {"value": value, "seconds": seconds, "changed_truth": changed}


def _last_file(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else trace.tb_frame.f_code.co_filename


def _serve(target: object, call: Call, requests: TextIO, replies: TextIO) -> None:
    for line in requests:
        request = json.loads(line)
        form = Form(**request["form"])
        cases = request["cases"]
        if request["do"] == "threads":
            with ThreadPoolExecutor(_THREADS) as pool:
                found = list(pool.map(partial(_score, target, call, form), cases * _THREADS))
        elif request["do"] == "pickle":
            found = [_pickled(target, call, form, case) for case in cases]
        else:
            found = [_score(target, call, form, case) for case in cases]
        for reply in found:
            replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _pickled(target: object, call: Call, form: Form, case: list[Any]) -> dict[str, object]:
    try:
        # Only what was pickled here a moment ago is unpickled.
        copied = pickle.loads(pickle.dumps(target))
    except Exception as error:
        return {"error": "raises", "detail": f"{type(error).__name__}: {error}"[:200]}
    return _score(copied, call, form, case)


def main() -> int:
    """Load the target named on the command line and answer requests until standard input ends."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    target_name, task, labels = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    try:
        target = load_target(target_name, task, labels)
        call = recognise(target)
    except (Exception, SystemExit) as error:
        replies.write(json.dumps({"failed": f"{type(error).__name__}: {error}"[:500]}) + "\n")
        replies.flush()
        return 1
    bounds = getattr(target, "bounds", None)
    pair = isinstance(bounds, (tuple, list)) and len(bounds) == 2 and all(isinstance(b, (int, float)) for b in bounds)
    replies.write(json.dumps({"call": call, "bounds": list(bounds) if pair and bounds else None}) + "\n")
    replies.flush()
    _serve(target, call, sys.stdin, replies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
