"""The JSON Schemas of the files of training: `python -m trainers.schemas` puts them into `schemas/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainers.data.subset import Subset
from trainers.recipe import Recipe
from vrft_eval.files import dump_json, write_atomic
from vrft_eval.schemas import json_schemas

FOLDER = Path(__file__).parents[1] / "schemas"


def training_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each file, keyed by its name in `schemas/`."""
    found = json_schemas({"recipe": Recipe, "subset": Subset})
    recipe = found["recipe.schema.json"]
    # A recipe is checked after it was laid over its base, which may hold what it lacks.
    recipe["properties"]["base"] = {"type": "string", "description": "another recipe, beside this one, below it"}
    del recipe["required"]
    return found


if __name__ == "__main__":
    for name, content in training_schemas().items():
        write_atomic(FOLDER / name, dump_json(content))
