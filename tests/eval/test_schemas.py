from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vrft_eval.errors import InputError
from vrft_eval.schemas import Predictions, json_schemas, validate

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", json_schemas())
def test_the_committed_schemas_are_the_generated_ones(name: str) -> None:
    committed = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    assert committed == json_schemas()[name], "run: vrft-eval schema --out schemas"
    Draft202012Validator.check_schema(committed)


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([{"image_id": 1, "category_id": 2, "bbox": [0, 0, 1], "score": 1}], "0.bbox"),
        ([{"image_id": 1, "category_id": 2, "bbox": [0, 0, 1, 1], "score": 1.5}], "0.score"),
        ([{"id": "a", "label": 3, "answer": ""}], "0."),
    ],
)
def test_predictions_that_do_not_fit_are_refused(rows: Any, field: str) -> None:
    with pytest.raises(InputError, match=field):
        validate(Predictions, rows, Path("predictions.json"))
