"""The recipe against NeMo AutoModel itself: skipped where it is not installed (it comes with NVIDIA's container)."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import nova.training
from nova.mind import Message
from nova.training import chats, small

pytestmark = [
    pytest.mark.skipif(find_spec("nemo_automodel") is None, reason="needs nemo_automodel 0.3, of NVIDIA's container"),
    pytest.mark.timeout(120),
]

RECIPE = Path(nova.training.__file__).parent / "recipes" / "nemotron_nano_lora.yaml"

TALKS = [
    [Message("system", "Be kind."), Message("user", "What is it?"), Message("assistant", "It is a cat."),
     Message("user", "And that?"), Message("assistant", "A dog.")],
    [Message("user", "Hi."), Message("assistant", "Hello.")],
]  # fmt: skip


@pytest.fixture(scope="module")
def recipe() -> Any:
    """As AutoModel loads it: every ``_target_`` is looked up."""
    from nemo_automodel.components.config.loader import load_yaml_config

    assert version("nemo-automodel").startswith("0.3."), "the recipe is written for the container's version"
    return load_yaml_config(str(RECIPE))


def test_automodel_knows_every_setting(recipe: Any) -> None:
    from nemo_automodel.components.checkpoint.checkpointing import CheckpointingConfig
    from nemo_automodel.components.optim.scheduler import OptimizerParamScheduler
    from nemo_automodel.components.training.step_scheduler import StepScheduler
    from nemo_automodel.recipes._dist_setup import parse_distributed_section
    from nemo_automodel.recipes.llm import train_ft

    for section, takes in (
        ("step_scheduler", StepScheduler),
        ("lr_scheduler", OptimizerParamScheduler),
        ("checkpoint", CheckpointingConfig),
    ):
        assert set(recipe.get(section).to_dict()) <= set(inspect.signature(takes).parameters), section
    assert parse_distributed_section(recipe.distributed.to_dict())["strategy_config"].activation_checkpointing
    source = inspect.getsource(train_ft)
    unread = [
        name for name in yaml.safe_load(RECIPE.read_text()) if f'"{name}' not in source and f"cfg.{name}" not in source
    ]
    assert unread == []


def test_the_adapter_leaves_out_what_cannot_be_merged(recipe: Any) -> None:
    from nemo_automodel.components._peft.module_matcher import ModuleMatcher
    from torch import nn

    peft, layer = recipe.peft.instantiate(), nn.Linear(2, 2)
    matcher = ModuleMatcher(peft.target_modules, peft.exclude_modules, peft.match_all_linear)
    taken = [
        "model.layers.0.mixer.in_proj",
        "model.layers.1.mixer.q_proj",
        "model.layers.2.mixer.shared_experts.up_proj",
    ]
    left = ["model.layers.0.mixer.out_proj", "lm_head"]
    assert [name for name in taken + left if matcher.match(layer, name)] == taken


@pytest.mark.parametrize("template", ["recipe", "chatml.jinja"])
def test_only_the_answers_are_learnt(recipe: Any, template: str, tmp_path: Path) -> None:
    chats.write(tmp_path / "train.jsonl", TALKS)
    tokenizer = small._tokenizer(TALKS)
    settings = recipe.dataset.to_dict() | {"path_or_dataset_id": str(tmp_path / "train.jsonl")}
    settings.pop("_target_")
    if template != "recipe":
        settings["chat_template"] = (RECIPE.parent / template).read_text()
    dataset = recipe.dataset._target_(tokenizer=tokenizer, **settings)
    learnt = [tokenizer.decode([label for label in dataset[at]["labels"] if label != -100]) for at in range(len(TALKS))]
    assert learnt == ["It is a cat.<|im_end|>A dog.<|im_end|>", "Hello.<|im_end|>"]
