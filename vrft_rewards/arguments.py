"""The command line's parser: its options, and errors of one line that name what was meant."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from .adapters import FILES
from .coordinates import SPACES
from .nearest import did_you_mean
from .profiles import PROFILES, TASKS
from .terminal import print_error

__all__ = ["EXIT_CODES", "Parser", "make_parser"]

EXIT_CODES = "Exit codes: 0 done, 1 an audit found what pays, 2 wrong input, 130 Ctrl-C; docs/terminal.md tells more."
_AUDIT = (
    "Try to cheat a reward function. Exit code 1 when something pays, 0 when nothing does, 2 for bad configuration."
)
_CHOICE = re.compile(r"invalid choice: '(.*?)' \(choose from (.*)\)", re.DOTALL)
_UNKNOWN = re.compile(r"unrecognized arguments: (--[^\s=]+)")


class Parser(argparse.ArgumentParser):
    """Ends with exit code 2 and one line, which names the nearest choice or option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.options: list[str] = []
        self.commands: list[Parser] = []

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument, and remember what it is called."""
        if hasattr(self, "options"):  # not yet for --help, which the base class adds
            self.options += [name for name in names if name.startswith("--")]
        return super().add_argument(*names, **options)

    def error(self, message: str) -> NoReturn:
        """End the process."""
        near = ""
        if choice := _CHOICE.search(message):
            near = did_you_mean(choice[1], re.findall(r"[\w.-]+", choice[2]))
        elif unknown := _UNKNOWN.search(message):
            known = [*self.options, *(option for command in self.commands for option in command.options)]
            near = did_you_mean(unknown[1], dict.fromkeys(known))
        print_error(f"{message}{near}{'' if near else '.'} See `{self.prog} --help`.")
        raise SystemExit(2)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"vrft-rewards {version('vrft')}")
        parser.exit()


def make_parser() -> Parser:
    """The parser of `vrft-rewards`."""
    parser = Parser(prog="vrft-rewards", description="Score the answers of vision-language models.", epilog=EXIT_CODES)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, text: str, **options: Any) -> Parser:
        command: Parser = commands.add_parser(name, help=text, **options)
        parser.commands.append(command)
        return command

    for name, text in (
        ("score", "score JSON Lines; each line comes back with reward, parts and reason"),
        ("explain", "say in words what was read, matched, dropped and paid in each line"),
    ):
        _add_scoring(add(name, text, description=text))
    text = "print the file that a framework's configuration names as its reward"
    add("path", text, description=text).add_argument("framework", choices=list(FILES))
    _add_audit(add("audit", "try to cheat a reward function", description=_AUDIT))
    add("serve", "score over HTTP; `serve --help` has its options", add_help=False)
    return parser


def _add_scoring(command: Parser) -> None:
    command.add_argument("file", nargs="?", default="-", metavar="FILE", help="JSON Lines, - for standard input")
    command.add_argument("--task", required=True, choices=TASKS)
    command.add_argument("--profile", default="default", choices=list(PROFILES))
    command.add_argument("--space", choices=SPACES, help="coordinate space of the answers")
    command.add_argument("--truth-space", choices=SPACES, help="coordinate space of the truth, if another one")
    command.add_argument("--labels", metavar="FILE", help="class names, one a line (classification)")
    command.add_argument(
        "--field", action="append", default=[], metavar="NAME=VALUE", help="another value for a field of the profile"
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write here, complete or not at all")


def _add_audit(command: Parser) -> None:
    names = ", ".join(PROFILES)
    command.add_argument("target", metavar="TARGET", help=f"a profile ({names}), module:function or file.py:function")
    command.add_argument("--task", choices=TASKS, help="default: every task that the target understands")
    command.add_argument("--labels", metavar="FILE", help="class names, one a line (classification)")
    command.add_argument("--bounds", nargs=2, type=float, metavar=("LOW", "HIGH"), help="values that it may return")
    command.add_argument("--time-limit", type=float, default=10.0, metavar="SECONDS", help="for one answer (10)")
    command.add_argument(
        "--json", metavar="FILE", help="write the reports here too, as JSON; -: only that, to standard output"
    )
