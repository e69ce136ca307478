"""The whole way with a tiny random model: skipped where torch, transformers and peft are not installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from nova.mind import Message
from nova.prompts import load_template
from nova.training import dataset
from nova.training.conversations import Conversation
from nova.training.scrub import Scrubber

MISSING = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}, which come with NVIDIA's container"),
    pytest.mark.timeout(120),
]


def test_data_template_adapter_and_merge_fit_together(tmp_path: Path) -> None:
    from nova.training.merge import merge
    from nova.training.small import run

    talks = [
        Conversation(
            f"{n}", [[Message("user", f"what is {n} plus one"), Message("assistant", f"It is {n + 1}, I think.")]]
        )
        for n in range(12)
    ]
    dataset.write(dataset.build(talks, Scrubber(), persona="You are Sophia."), tmp_path / "data")
    done = run(tmp_path / "data", tmp_path / "out", steps=30)
    assert done.train[1] < 0.7 * done.train[0]
    assert done.difference < 1e-3
    assert 0.1 < done.share < 0.6
    assert json.loads((tmp_path / "out" / "adapter" / "adapter_config.json").read_text())["r"] == 8
    base, merged = tmp_path / "out" / "base", tmp_path / "out" / "merged"
    assert (merged / "config.json").read_bytes() == (base / "config.json").read_bytes()
    files = {file.name for file in (tmp_path / "out" / "merged").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= files
    prompt = load_template(str(tmp_path / "out" / "merged")).render([Message("user", "what is 2 plus one")])
    assert prompt == "<|im_start|>user\nwhat is 2 plus one<|im_end|>\n<|im_start|>assistant\n"
    with pytest.raises(dataset.DataError, match="is there already"):
        merge(str(tmp_path / "out" / "base"), tmp_path / "out" / "adapter", tmp_path / "out" / "merged")
    with pytest.raises(dataset.DataError, match="holds no LoRA adapter"):
        merge(str(tmp_path / "out" / "base"), tmp_path / "out" / "base", tmp_path / "out" / "again")


@pytest.mark.parametrize("recipe", ["chatml.jinja", "nemotron_nano_lora.yaml"])
def test_only_answers_are_marked_to_be_learnt(recipe: str) -> None:
    from nova.training import small

    source = (small.TEMPLATE.parent / recipe).read_text()
    talk = [Message("system", "Be kind."), Message("user", "What is it?"), Message("assistant", "It is a cat."),
            Message("user", "And that?"), Message("assistant", "A dog.")]  # fmt: skip
    tokenizer = small._tokenizer([talk])
    if recipe.endswith(".yaml"):
        tokenizer.chat_template = yaml.safe_load(source)["dataset"]["chat_template"]
    ids, labels = small._example(tokenizer, talk)
    assert tokenizer.decode(labels[labels != -100]) == "It is a cat.<|im_end|>A dog.<|im_end|>"
    assert tokenizer.decode(ids[0]).endswith("A dog.<|im_end|>")


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    from nova.training.merge import merge
    from nova.training.small import run

    talk = [Message("user", "what is it"), Message("assistant", "It is a cat.")]
    dataset.write(dataset.build([Conversation("one", [talk])], Scrubber()), tmp_path / "data")
    run(tmp_path / "data", tmp_path / "out", steps=1)
    config = tmp_path / "out" / "base" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "num_hidden_layers": 1}))
    with pytest.raises(dataset.DataError, match="does not fit the base: 14 of its 28 tensors find no place"):
        merge(str(tmp_path / "out" / "base"), tmp_path / "out" / "adapter", tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def changed(folder: Path, tensors: dict[str, object], **config: object) -> Path:
    """The adapter in ``folder`` with more tensors and another configuration."""
    from safetensors.torch import load_file, save_file

    weights, described = folder / "adapter_model.safetensors", folder / "adapter_config.json"
    save_file({**load_file(weights), **tensors}, weights)
    described.write_text(json.dumps({**json.loads(described.read_text()), **config}))
    return folder


def test_an_adapter_as_automodel_writes_it_is_merged(tmp_path: Path) -> None:
    """With an adapter on the head, and with a buffer of the base, which it writes for the routers of experts."""
    import torch
    import transformers

    from nova.training.merge import merge
    from nova.training.small import RANK, run

    talk = [Message("user", "what is it"), Message("assistant", "It is a cat.")]
    dataset.write(dataset.build([Conversation("one", [talk])], Scrubber()), tmp_path / "data")
    run(tmp_path / "data", tmp_path / "out", steps=1)
    base = tmp_path / "out" / "base"
    (base / "configuration_own.py").write_text("raise SystemExit('code that comes with weights')")
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    down, up = torch.rand(RANK, 64), torch.rand(model.config.vocab_size, RANK)
    name, buffer = next(iter(model.named_buffers()))
    targets = json.loads((tmp_path / "out" / "adapter" / "adapter_config.json").read_text())["target_modules"]
    adapter = changed(
        tmp_path / "out" / "adapter",
        {
            "base_model.model.lm_head.lora_A.weight": down, "base_model.model.lm_head.lora_B.weight": up,
            f"base_model.model.{name}": buffer.clone(),
        },
        target_modules=[*targets, "lm_head"],
    )  # fmt: skip
    merge(str(base), adapter, tmp_path / "merged")
    head = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "merged").lm_head.weight
    assert torch.allclose(head, model.lm_head.weight + 2 * up @ down, atol=1e-5)
    assert (tmp_path / "merged" / "configuration_own.py").exists()

    changed(adapter, {f"base_model.model.{name}": buffer + 1})
    with pytest.raises(dataset.DataError, match="1 of its 31 tensors find no place, 0 are missing"):
        merge(str(base), adapter, tmp_path / "again")


def test_a_model_that_only_its_own_code_knows_is_refused(tmp_path: Path) -> None:
    from nova.training.merge import merge

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "not_one", "auto_map": {"AutoConfig": "own.Own"}}))
    (tmp_path / "own.py").write_text("raise SystemExit('this code ran')")
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(dataset.DataError, match=r"^transformers [\d.]+ cannot load .*Nemotron 3 needs 5\.3 or newer"):
        merge(str(tmp_path), tmp_path, tmp_path / "merged")
