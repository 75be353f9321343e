"""Every recipe loads, makes a real trainer of the shipped checkpoint, and names commands and numbers that exist."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer.main
from accelerate.commands.config.config_args import ClusterConfig
from training_helpers import make_rows, save_data
from trl import GRPOConfig, SFTConfig

import trainers.grpo
import trainers.sft
from trainers.recipe import load_recipe
from vrft_eval.baselines.paper import paper_tables
from vrft_eval.cli import app
from vrft_eval.demo import checkpoint
from vrft_eval.errors import InputError
from vrft_eval.tasks import get_task

FOLDER = Path(trainers.grpo.__file__).parent
RECIPES = sorted((FOLDER / "recipes").glob("table*.yaml"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for task in ("detection", "classification", "grounding"):
        save_data(folder / task, make_rows([task], 2))
    return folder


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_makes_its_trainer(path: Path, data: Path, tmp_path: Path) -> None:
    own = load_recipe(path)
    overrides = [f"model={checkpoint('sft')}", f"data={data / str(own.task)}", f"output={tmp_path}"]
    recipe = load_recipe(path, [*overrides, "training.use_cpu=true"])
    method = own.published[0].method
    trainer = (trainers.sft if method == "SFT" else trainers.grpo).build(recipe)
    assert trainer.args.per_device_train_batch_size * trainer.args.gradient_accumulation_steps >= 4
    assert trainer.processing_class.image_processor.size["longest_edge"] == 401408
    if method == "Visual-RFT":
        generations = 4 if "-7B-" in own.model else 8
        assert isinstance(trainer.args, GRPOConfig)
        assert trainer.num_generations == generations
        # Eight processes: sixteen prompts a step, as released.
        assert (
            trainer.args.per_device_train_batch_size * 8 * trainer.args.gradient_accumulation_steps == 16 * generations
        )
    else:
        assert isinstance(trainer.args, SFTConfig)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_its_commands_and_rows_exist(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.output.startswith(f"runs/{path.stem}")
    command = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    asked = set()
    for line in recipe.evaluate:
        program, name, *arguments = shlex.split(line)
        assert (program, name) == ("vrft-eval", "run")
        options = command.make_context("run", arguments).params
        assert options["model"] == recipe.output
        assert options["against"] == "paper"
        assert str(options["out"]).startswith(recipe.output)
        asked |= {get_task(task).name for task in options["tasks"]}
    for row in recipe.published:
        (table,) = [table for table in paper_tables().tables if table.number == row.table]
        assert asked & {column.task for column in table.columns}
        wanted = (row.model, row.method, row.shots)
        assert [wanted] == [r for r in ((r.model, r.method, r.shots) for r in table.rows) if r == wanted]


def test_every_trained_row_of_the_paper_has_one() -> None:
    rows = [
        (table.number, row.model, row.method, row.shots)
        for table in paper_tables().tables
        for row in table.rows
        if row.method in ("SFT", "Visual-RFT")
    ]
    named = [(r.table, r.model, r.method, r.shots) for path in RECIPES for r in load_recipe(path).published]
    assert sorted(named, key=str) == sorted(rows, key=str)


def test_the_four_sets_of_table_2() -> None:
    recipe = load_recipe(FOLDER / "recipes/table2-2b-rft-4shot.yaml", ["scored_by=pets37"])
    assert (recipe.data, recipe.output) == ("training-sets/pets37-4shot", "runs/table2-2b-rft-4shot-pets37")
    assert recipe.evaluate[0].startswith("vrft-eval run pets37 --model runs/table2-2b-rft-4shot-pets37 --data")


@pytest.mark.parametrize("name", ["ddp", "zero3", "fsdp"])
def test_accelerate_takes_the_configurations(name: str) -> None:
    config = ClusterConfig.from_yaml_file(FOLDER / f"configs/{name}.yaml")
    assert str(config.distributed_type.value) == {"ddp": "MULTI_GPU", "zero3": "DEEPSPEED", "fsdp": "FSDP"}[name]
    assert config.mixed_precision == "bf16"


def test_vllm_is_trls_own(tmp_path: Path) -> None:
    overrides = ["training.use_cpu=true", "grpo.use_vllm=true", "grpo.vllm_mode=server"]
    recipe = load_recipe(RECIPES[0], [*overrides, "training.report_to=[wandb, tensorboard]"])
    config = recipe.arguments(GRPOConfig, "grpo", output_dir=str(tmp_path))
    assert (config.use_vllm, config.vllm_mode) == (True, "server")


MISTAKES = {
    "model: a\ndata: b\noutput: c\nrewards: {}\n": "4: rewards: unknown, did you mean reward?",
    "model: a\ndata: b\noutput: c\nreward:\n  profil: x\n": "5: reward.profil: unknown, did you mean profile?",
    "model: a\ndata: b\noutput: c\nspace: norm100\n": "4: space: Input should be 'norm1000'",
    "model: a\nmodel: b\n": "2: model: is there twice",
    "model: [a\n": "2: not YAML",
    "model: a\ndata: '{shots}'\noutput: c\n": "2: data: in braces there may be scored_by, model",
    "model: a\ndata: b\noutput: c\nreward:\n  schedule: {format: [[0, -1]]}\n": "5: reward.schedule.format.0.1",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_recipe(path)
    assert str(error.value).startswith(f"{path}:{MISTAKES[text]}")


def test_a_base_lies_below_and_overrides_lie_above(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("model: a\ndata: b\noutput: c\ngrpo: {beta: 0.04, temperature: 1.0}\n")
    (tmp_path / "own.yaml").write_text("base: base.yaml\ndata: own\ngrpo: {beta: 0.1}\n")
    recipe = load_recipe(tmp_path / "own.yaml", ["grpo.beta=1e-3", "training.use_cpu=true"])
    assert (recipe.model, recipe.data, recipe.grpo) == ("a", "own", {"beta": "1e-3", "temperature": 1.0})
    # A number as people write it, which YAML takes for text.
    assert recipe.arguments(GRPOConfig, "grpo", output_dir="x").beta == 0.001
    (tmp_path / "base.yaml").write_text("base: other.yaml\nmodel: a\n")
    with pytest.raises(InputError, match="a base has no base"):
        load_recipe(tmp_path / "own.yaml")
