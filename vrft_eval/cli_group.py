"""What every command has in common: how its errors are told, how it is stopped, which exit code it ends with."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from vrft_eval import console
from vrft_eval.errors import RunStopped
from vrft_eval.interrupts import interruptible, stopped_by
from vrft_rewards.nearest import did_you_mean

EXIT_CODES = "Exit codes: 0 done, 1 stopped, 2 wrong input, 130 Ctrl-C, 143 SIGTERM; docs/terminal.md tells more."

# Of Click, or of the Click inside newer Typers.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class Group(TyperGroup):
    """Tells what the user got wrong in one line with exit code 2; a run that was stopped, with its line and code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line; in standalone mode, the default, end the process with its exit code."""
        standalone = options.pop("standalone_mode", True)
        run: Any = super().main
        try:
            code = run(*args, standalone_mode=False, **options)
        except _UsageError as error:
            if not standalone:
                raise
            console.print_error(_usage(error))
            code = 2
        if not standalone:
            return code
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command. (The context is Click's, or that of the Click inside newer Typers.)"""
        try:
            with interruptible():
                found = super().invoke(ctx)
                sys.stdout.flush()
                return found
        except BrokenPipeError:
            # The reader has gone (`| head`): there is nobody to tell, and the interpreter must not try again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (ValueError, OSError) as error:
            console.print_error(str(error))
            raise typer.Exit(2) from None
        except (RunStopped, KeyboardInterrupt) as ended:
            stopped = ended if isinstance(ended, RunStopped) else stopped_by(ended)
            console.print_error(str(stopped))
            raise typer.Exit(stopped.code) from None


def _usage(error: Any) -> str:
    message = str(error.format_message()).rstrip(".")
    if getattr(error, "possibilities", None):
        message = f"No such option: {error.option_name}{did_you_mean(error.option_name, error.possibilities)}"
    path = "vrft-eval" if error.ctx is None else error.ctx.command_path
    return f"{message}{'' if message.endswith('?') else '.'} See `{path} --help`."
