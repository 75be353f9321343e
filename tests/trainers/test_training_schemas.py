"""The committed schemas of recipes and subsets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from trainers.schemas import FOLDER, training_schemas
from vrft_eval.schemas import json_schemas

RECIPES = sorted((Path(__file__).parents[2] / "trainers" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", training_schemas())
def test_the_committed_schemas_are_the_generated_ones(name: str) -> None:
    committed = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert committed == training_schemas()[name], "run: python -m trainers.schemas"
    Draft202012Validator.check_schema(committed)


def test_no_schema_is_left_over() -> None:
    assert {path.name for path in FOLDER.glob("*.schema.json")} == {*json_schemas(), *training_schemas()}


def test_every_recipe_fits_and_a_misspelt_key_does_not() -> None:
    check = Draft202012Validator(training_schemas()["recipe.schema.json"])
    assert len(RECIPES) > 30
    for file in RECIPES:
        recipe = yaml.safe_load(file.read_text(encoding="utf-8"))
        check.validate(recipe)
        assert not check.is_valid(recipe | {"learning_rate": 1.0})
