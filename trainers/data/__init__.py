"""Training sets from data on disk: what the harness reads, drawn, answered and written for a trainer."""

from __future__ import annotations

from trainers.data.convert import convert
from trainers.data.forms import FORMS
from trainers.data.make import Made, make
from trainers.data.rows import Row
from trainers.data.subset import Draw, Subset, read_subset

__all__ = ["FORMS", "Draw", "Made", "Row", "Subset", "convert", "make", "read_subset"]
