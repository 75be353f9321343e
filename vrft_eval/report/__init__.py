"""What a person reads: report.json, report.md and report.html."""

from vrft_eval.report.write import write_reports

__all__ = ["write_reports"]
