"""Run a trainer's command as ``python -m MODULE ARGUMENTS`` does, up to where it would start Ray and want GPUs."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Reached(Exception):
    """Ray would be started now."""


class _Absent(ModuleType):
    """Has whatever is imported from it. Nothing of it may be needed before Ray starts."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".")[0] not in self.names:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def configuration(
    module: str, arguments: Sequence[str], function: str, variable: str, absent: Sequence[str] = ()
) -> Any:
    """Return a local variable of a function of the trainer as it is when Ray would be started.

    absent are packages that the trainer imports and that only install where there is a GPU.
    """
    import ray

    def reached(*_: Any, **__: Any) -> None:
        raise _Reached

    with _replaced(sys, "argv", [module, *arguments]), _replaced(ray, "init", reached):
        # Hydra would otherwise end the process and print no more than a line.
        os.environ["HYDRA_FULL_ERROR"] = "1"
        sys.meta_path.insert(0, _Finder(absent))
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except _Reached as stop:
            trace = stop.__traceback__
        else:
            raise AssertionError(f"{module} ended without Ray")
        finally:
            sys.meta_path.pop(0)
    while trace is not None:
        if trace.tb_frame.f_code.co_name == function and variable in trace.tb_frame.f_locals:
            return trace.tb_frame.f_locals[variable]
        trace = trace.tb_next
    raise AssertionError(f"{module} started Ray outside {function}")


@contextmanager
def _replaced(holder: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)
