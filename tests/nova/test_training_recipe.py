"""The recipe for NVIDIA's container, as far as it can be looked at without one: data, template, command, GPU check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import nova.training
from nova.mind import Message
from nova.prompts import BUILT_IN, ChatTemplate, opens_thought
from nova.training import gpu
from nova.training.__main__ import main

RECIPES = Path(nova.training.__file__).parent / "recipes"
RECIPE = yaml.safe_load((RECIPES / "nemotron_nano_lora.yaml").read_text())

TALK = [Message("system", "Be kind."), Message("user", "hi"), Message("assistant", "Hello."), Message("user", "bye")]

# As AutoModel looks for it (nemo_automodel/components/datasets/llm/formatting_utils.py).
GENERATION = re.compile(r"\{%-?\s+generation\s+-?%\}")


def rendered(source: str, talk: Sequence[Message] = TALK) -> str:
    """A template without the marks, which only transformers understands."""
    return ChatTemplate(re.sub(r"\{%-?\s+(end)?generation\s+-?%\}", "", source)).render(talk)


def learnt_from(source: str, talk: Sequence[Message]) -> str:
    """What the template makes of a whole chat in training."""
    messages = [{"role": message.role, "content": message.content} for message in talk]
    return ChatTemplate(source).compiled.render(messages=messages, add_generation_prompt=False)


def test_the_chatml_template_writes_what_nova_asks() -> None:
    source = (RECIPES / "chatml.jinja").read_text()
    assert GENERATION.search(source)
    assert rendered(source) == BUILT_IN["chatml"].render(TALK)


def test_the_recipe_learns_answers_and_nothing_else() -> None:
    for side, file in (("dataset", "train"), ("validation_dataset", "validation")):
        data = RECIPE[side]
        assert data["_target_"].endswith("chat_dataset.ChatDataset")
        assert data["path_or_dataset_id"] == f"/data/{file}.jsonl"
        assert GENERATION.search(data["chat_template"])
    assert rendered(RECIPE["dataset"]["chat_template"]) == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"
        "<|im_start|>assistant\n<think></think>Hello.<|im_end|>\n"
        "<|im_start|>user\nbye<|im_end|>\n<|im_start|>assistant\n<think></think>"
    )
    assert RECIPE["checkpoint"]["checkpoint_dir"].startswith("/work/")


@pytest.mark.parametrize("source", [RECIPE["dataset"]["chat_template"], (RECIPES / "chatml.jinja").read_text()])
def test_a_chat_ends_where_the_answer_ends(source: str) -> None:
    """AutoModel adds an end of its own to what does not end with one, and learns it."""
    assert learnt_from(source, TALK[:3]).endswith("Hello.<|im_end|>")
    assert learnt_from(source, TALK[:3]) == rendered(source, TALK)[: len(learnt_from(source, TALK[:3]))]


def test_the_adapter_is_one_that_learns_and_can_be_merged() -> None:
    """Mamba's out_proj never learns and is refused by peft; the head belongs to no LoRA that peft calls all-linear."""
    assert RECIPE["peft"]["_target_"].endswith("PeftConfig")
    assert RECIPE["peft"]["exclude_modules"] == ["*.out_proj", "lm_head"]
    assert not {"match_all_linear", "target_modules"} & set(RECIPE["peft"])  # either would undo the line above


def test_one_gpu_is_said_in_numbers() -> None:
    """AutoModel 0.3 compares ep_size with 1, and ends on null."""
    sizes = {name: size for name, size in RECIPE["distributed"].items() if name.endswith("_size")}
    assert sizes == {"dp_size": 1, "tp_size": 1, "cp_size": 1, "ep_size": 1}


@pytest.mark.parametrize("talk", [TALK, TALK[1:]])
def test_what_the_recipe_trains_on_is_what_nova_asks(talk: list[Message]) -> None:
    prompt = rendered(RECIPE["dataset"]["chat_template"], talk)
    assert BUILT_IN["nemotron"].render(talk) == prompt
    assert not opens_thought(prompt)
    assert BUILT_IN["nemotron"].stops == BUILT_IN["chatml"].stops


def test_a_dgx_asks_as_the_recipe_trained() -> None:
    """Both ways to run the loop on a Spark; the weights there are those that the recipe starts from, or made by it."""
    root = RECIPES.parents[2]
    assert yaml.safe_load((root / "configs" / "spark.yaml").read_text())["llm"]["template"] == "nemotron"
    compose = yaml.safe_load((root / "docker" / "docker-compose.sophia.yml").read_text())
    variables = compose["services"]["sophia"]["environment"]
    assert variables["SOPHIA_LLM__TEMPLATE"] == "${NOVA_TEMPLATE:-nemotron}"


def test_every_image_is_pinned() -> None:
    images = re.findall(r"nvcr\.io/[\w./-]+:([\w.-]+)", (RECIPES / "run.sh").read_text())
    assert images == ["26.02"]


def run(
    folder: Path, *arguments: str, gpu_answers: int = 0, cache: Path | None = None
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """Runs the script with a ``docker`` that notes how it is called; the GPU check ends with the given code."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "docker").write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" END >> {folder}/calls\n'
        f'case "$*" in *"nova.training gpu"*) exit {gpu_answers};; esac\n'
    )
    (tools / "docker").chmod(0o755)
    done = subprocess.run(
        ["bash", str(RECIPES / "run.sh"), *arguments], capture_output=True, text=True, check=False,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder)} | ({"HF_HOME": str(cache)} if cache else {}),
    )  # fmt: skip
    calls = (folder / "calls").read_text() if (folder / "calls").exists() else ""
    return done, [call.split("\n")[:-1] for call in calls.split("END\n") if call]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "my data"
    folder.mkdir()
    for name in ("train.jsonl", "validation.jsonl"):
        (folder / name).write_text("{}\n" * RECIPE["step_scheduler"]["global_batch_size"])
    return folder


def test_the_command_looks_at_the_gpu_and_then_trains(tmp_path: Path, data: Path) -> None:
    done, (first, second) = run(tmp_path, str(data), str(tmp_path / "work"), "--step_scheduler.max_steps", "20")
    assert done.returncode == 0, done.stderr
    assert first[-6:] == ["nvcr.io/nvidia/nemo-automodel:26.02", "-m", "nova.training", "gpu", "--need-gib", "80"]
    assert second[-5:] == [
        "examples/llm_finetune/finetune.py", "-c", "/recipes/nemotron_nano_lora.yaml",
        "--step_scheduler.max_steps", "20",
    ]  # fmt: skip
    for call in (first, second):
        assert call[:4] == ["run", "--rm", "--gpus", "all"]
        assert f"{data}:/data:ro" in call
        assert f"{tmp_path / 'work'}:/work" in call


def test_the_container_sees_nothing_secret(tmp_path: Path, data: Path) -> None:
    """It is root and runs code that comes with the weights; of the checkout it gets nova, and cannot write there."""
    checkout = RECIPES.parents[2]
    done, calls = run(tmp_path, str(data), str(tmp_path / "work"))
    assert done.returncode == 0, done.stderr
    for call in calls:
        mounts = [call[at + 1].split(":") for at, word in enumerate(call) if word in ("--volume", "-v", "--mount")]
        assert [str(checkout / "nova"), "/sophia/nova", "ro"] in mounts
        for source, *_, mode in mounts:
            folder = Path(source)
            if folder.is_relative_to(checkout):
                assert folder.is_relative_to(checkout / "nova")
                assert mode == "ro"
            for secret in (checkout / "docker", checkout / ".sophia", checkout / ".git"):
                assert not secret.is_relative_to(folder), f"{folder} covers {secret}"


def test_the_mounted_package_checks_the_gpu_by_itself(tmp_path: Path) -> None:
    """Nothing of the checkout beside nova is needed in the container."""
    (tmp_path / "nova").symlink_to(RECIPES.parents[1])
    done = subprocess.run(
        [sys.executable, "-S", "-m", "nova.training", "gpu"], capture_output=True, text=True, check=False,
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "torch is not installed" in done.stderr


def test_without_a_gpu_nothing_is_trained(tmp_path: Path, data: Path) -> None:
    done, calls = run(tmp_path, str(data), str(tmp_path / "work"), gpu_answers=1)
    assert (done.returncode, len(calls)) == (1, 1)


def test_a_container_that_does_not_start_is_explained(tmp_path: Path, data: Path) -> None:
    done, calls = run(tmp_path, str(data), str(tmp_path / "work"), gpu_answers=125)
    assert (done.returncode, len(calls)) == (125, 1)
    assert "has no NVIDIA container toolkit: docs/dgx.md" in done.stderr


def test_the_cache_is_made_by_the_user_and_not_by_dockers_root(tmp_path: Path, data: Path) -> None:
    cache = tmp_path / "new" / "hub"
    done, calls = run(tmp_path, str(data), str(tmp_path / "work"), cache=cache)
    assert (done.returncode, cache.is_dir()) == (0, True)
    assert all(f"{cache}:/root/.cache/huggingface" in call for call in calls)


def test_it_says_when_it_goes_on_from_checkpoints(tmp_path: Path, data: Path) -> None:
    latest = tmp_path / "work" / "checkpoints" / "LATEST"
    latest.mkdir(parents=True)
    done, calls = run(tmp_path, str(data), str(tmp_path / "work"))
    assert (done.returncode, len(calls)) == (0, 2)
    assert "goes on from the last" in done.stderr


def test_less_than_a_step_is_not_trained_on(tmp_path: Path, data: Path) -> None:
    (data / "train.jsonl").write_text("{}\n" * (RECIPE["step_scheduler"]["global_batch_size"] - 1))
    done, calls = run(tmp_path, str(data), str(tmp_path / "work"))
    assert (done.returncode, calls) == (2, [])
    assert "holds 7 chats, less than the 8 of one step" in done.stderr


def test_the_command_wants_data(tmp_path: Path, data: Path) -> None:
    (data / "validation.jsonl").write_text("")
    done, calls = run(tmp_path, str(data), str(tmp_path / "work"))
    assert (done.returncode, calls) == (2, [])
    assert done.stderr.startswith(f"{data}/validation.jsonl is missing or empty")


class Ones:
    def __init__(self, value: float = 1.0) -> None:
        self.value = value

    def __matmul__(self, other: Ones) -> Ones:
        return Ones(self.value * 256)

    def __getitem__(self, at: object) -> float:
        return self.value


def torch(*, built: str | None = "13.0", there: bool = True, free: int = 100, broken: str = "") -> SimpleNamespace:
    def ones(*shape: int, dtype: object, device: str) -> Ones:
        if broken:
            raise RuntimeError(broken)
        return Ones()

    return SimpleNamespace(
        __version__="2.11.0", version=SimpleNamespace(cuda=built), bfloat16="bfloat16", ones=ones,
        cuda=SimpleNamespace(
            is_available=lambda: there, mem_get_info=lambda: (free << 30, 120 << 30),
            get_device_name=lambda: "NVIDIA GB10", get_device_capability=lambda: (12, 1),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fake", "says"),
    [
        (torch(built=None, there=False), "PyTorch 2.11.0 is built without CUDA"),
        (torch(there=False), "PyTorch sees no GPU: start the container with --gpus all"),
        (torch(broken="CUDA error: no kernel image\nmore"), "does not compute: CUDA error: no kernel image"),
        (torch(free=40), "40 GiB are free, 80 are needed"),
        (None, "torch is not installed: pip install torch transformers peft"),
    ],
)
def test_the_gpu_check_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fake: SimpleNamespace | None, says: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake)
    assert main(["gpu", "--need-gib", "80"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("✗ ")
    assert says in told


def test_the_gpu_check_says_what_is_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch())
    assert main(["gpu", "--need-gib", "80"]) == 0
    assert capsys.readouterr().out == (
        "✓ NVIDIA GB10, compute capability 12.1, 100 of 120 GiB free; CUDA 13.0, PyTorch 2.11.0\n"
    )
    assert gpu.check().total == 120 << 30
