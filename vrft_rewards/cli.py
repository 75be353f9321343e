"""The command line: ``score`` and ``explain`` JSON Lines, ``audit`` a reward, ``path`` and ``serve`` for trainers."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from .adapters import path_of
from .arguments import make_parser
from .coordinates import check_image_size
from .explain import explain
from .profiles import TASKS
from .rewards import ClassificationReward, DetectionReward, GroundingReward, Reward
from .terminal import print_error, visible, wants_colour

__all__ = ["main"]


class _UserError(Exception):
    """Something the caller gave is wrong; the message says what and where."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0, 1 when an audit finds what pays, 2 for bad input, 130 for Ctrl-C.

    Bad input is one message on stderr.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["serve"]:
        from .serve import main as serve  # its options are its own

        return serve(given[1:])
    parser = make_parser()
    if not given:
        parser.print_help()
        return 2
    arguments = parser.parse_args(given)
    code = 0
    try:
        if arguments.command == "path":
            print(path_of(arguments.framework))
        elif arguments.command == "audit":
            code = _audit(arguments)
        else:
            _run(arguments)
        sys.stdout.flush()
    except _UserError as error:
        print_error(str(error))
        return 2
    except KeyboardInterrupt:
        print_error("stopped by Ctrl-C")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has gone (`| head`): there is nobody to tell, and the interpreter must not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _audit(arguments: argparse.Namespace) -> int:
    from .audit import LABELS, AuditError, Report, as_json, as_table, audit

    if not arguments.time_limit > 0:
        raise _UserError(f"--time-limit: expected seconds above 0, got {arguments.time_limit:g}")
    low, high = arguments.bounds or (0.0, 1.0)
    if not low < high:
        raise _UserError(f"--bounds: expected LOW below HIGH, got {low:g} {high:g}")
    labels = LABELS if arguments.labels is None else tuple(_labels(arguments.labels))
    reports: list[Report] = []
    troubles: list[str] = []
    for task in TASKS if arguments.task is None else (arguments.task,):
        bounds = None if arguments.bounds is None else (low, high)
        try:
            report = audit(arguments.target, task, labels=labels, bounds=bounds, time_limit=arguments.time_limit)
        except AuditError as error:
            troubles.append(str(error))
            continue
        if arguments.json != "-":
            print(as_table(report, wants_colour(sys.stdout)), end="\n\n", flush=True)
        reports.append(report)
    if not reports:
        raise _UserError("; ".join(dict.fromkeys(visible(trouble, 400) for trouble in troubles)))
    if arguments.json is not None:
        with _sink(None if arguments.json == "-" else arguments.json) as sink:
            sink.write((as_json(reports) + "\n").encode())
    return 0 if all(report.passed for report in reports) else 1


def _run(arguments: argparse.Namespace) -> None:
    reward = _reward(arguments)
    colour = arguments.output is None and wants_colour(sys.stdout)
    with _source(arguments.file) as (name, lines), _sink(arguments.output) as sink:
        for number, row in _rows(name, lines):
            where = f"{name}:{number}"
            size = row.get("image_size")
            try:
                if size is not None:
                    size = check_image_size(size)
                if arguments.command == "explain":
                    text = explain(reward, row["completion"], row["truth"], size, colour)
                    sink.write(f"{visible(where)}\n{text}\n".encode(errors="replace"))
                    continue
                score = reward.score(row["completion"], row["truth"], size)
            except ValueError as error:
                raise _UserError(f"{where}: {error}") from None
            row.update(reward=score.value, parts=dict(score.parts), reason=score.reason)
            sink.write(_line(row))


def _reward(arguments: argparse.Namespace) -> Reward:
    spaces = {"space": arguments.space, "truth_space": arguments.truth_space}
    given: dict[str, Any] = {name: value for name, value in spaces.items() if value is not None}
    fields = dict(map(_field, arguments.field))
    if arguments.task == "classification":
        if given:
            raise _UserError(f"--{next(iter(given)).replace('_', '-')}: classification has no coordinates")
        return _classification(arguments.profile, arguments.labels, fields)
    if arguments.labels is not None:
        raise _UserError(f"--labels: only for classification, not {arguments.task}")
    kind = DetectionReward if arguments.task == "detection" else GroundingReward
    try:
        return kind(arguments.profile, **(fields | given))
    except ValueError as error:
        raise _UserError(f"--field: {error}") from None


def _classification(profile: str, path: str | None, fields: dict[str, Any]) -> Reward:
    labels = None if path is None else _labels(path)
    try:
        ClassificationReward(profile=profile, **fields)
    except ValueError as error:
        raise _UserError(f"--field: {error}") from None
    try:
        return ClassificationReward(labels, profile=profile, **fields)
    except ValueError as error:
        raise _UserError(f"--labels {path}: {error}") from None


def _field(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found or name in ("profile", "labels", "aliases"):
        raise _UserError(f"--field {text}: expected NAME=VALUE, a field of the profile")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value  # a name, such as 'optimal'


def _labels(path: str) -> list[str]:
    try:
        return [line.strip() for line in Path(path).read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise _UserError(f"--labels {path}: {_why(error)}") from None


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


@contextmanager
def _source(path: str) -> Iterator[tuple[str, BinaryIO]]:
    if path == "-":
        yield "<stdin>", sys.stdin.buffer
        return
    try:
        opened = Path(path).open("rb")  # noqa: SIM115
    except OSError as error:
        raise _UserError(f"{path}: {_why(error)}") from None
    with opened as lines:
        yield path, lines


@contextmanager
def _sink(path: str | None) -> Iterator[BinaryIO]:
    """Yield where to write. A file appears under its name only when everything has been written."""
    if path is None:
        yield sys.stdout.buffer
        return
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise _UserError(f"{path}: {_why(error)}") from None
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        # mkstemp makes files private; the result gets the permissions any new file would have.
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(target)
    except OSError as error:
        raise _UserError(f"{path}: {_why(error)}") from None
    finally:
        part.unlink(missing_ok=True)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} isn't a JSON number")


def _rows(name: str, lines: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    while True:
        number += 1
        try:
            line = lines.readline()
        except OSError as error:
            raise _UserError(f"{name}: {_why(error)}") from None
        if not line:
            return
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            shown = line[:80].decode(errors="replace").strip()
            raise _UserError(f"{name}:{number}: not JSON ({_reason(error)}): {shown}") from None
        if not isinstance(row, dict):
            raise _UserError(f"{name}:{number}: expected an object, got {json.dumps(row)[:80]}")
        for field in ("completion", "truth"):
            if field not in row:
                raise _UserError(f"{name}:{number}: {field}: missing; the fields are {', '.join(row) or 'none'}")
        if not isinstance(row["completion"], (str, list)):
            raise _UserError(
                f"{name}:{number}: completion: expected text, messages or content parts, "
                f"got {json.dumps(row['completion'])[:80]}"
            )
        yield number, row


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _line(row: dict[str, Any]) -> bytes:
    try:
        return (json.dumps(row, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return (json.dumps(row) + "\n").encode()


if __name__ == "__main__":
    sys.exit(main())
