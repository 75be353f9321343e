"""Tries to cheat a reward function, ours or another one, and says what paid."""

from .labels import LABELS
from .report import as_json, as_table
from .run import audit
from .types import TASKS, AuditError, Finding, Report, Task, Timing

__all__ = ["LABELS", "TASKS", "AuditError", "Finding", "Report", "Task", "Timing", "as_json", "as_table", "audit"]
