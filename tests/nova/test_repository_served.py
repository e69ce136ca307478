"""The project's models on the real tritonserver: what ``check`` calls sound loads and answers as expected."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import grpc
import pytest
from repository_server import copy_model, served

from nova.errors import ModelError
from nova.mind import Message
from nova.repository.check import check
from nova.repository.control import ModelControl, Refused
from nova.repository.findings import Level
from nova.services.triton_client import TritonMind, TritonSettings

pytestmark = [pytest.mark.services, pytest.mark.timeout(60)]

# An engine in place of TensorRT-LLM's, which needs a GPU: the same calls, words of the prompt for tokens.
ENGINE = """
import asyncio

class SamplingParams:
    def __init__(self, **options):
        self.options = options

class Completion:
    def __init__(self, text):
        self.text = text

class Output:
    def __init__(self, text, finished):
        self.outputs, self.finished = [Completion(text)], finished

class Result:
    def __init__(self, words, log):
        self.words, self.log, self.finished = words, log, False
    def abort(self):
        with open(self.log, "a") as file:
            file.write("aborted\\n")
    async def __aiter__(self):
        for count in range(1, len(self.words) + 1):
            await asyncio.sleep(0.02)
            self.finished = count == len(self.words)
            yield Output(" ".join(self.words[:count]), self.finished)

class LLM:
    def __init__(self, model, log, **engine):
        self.log = log
    def generate_async(self, prompt, sampling, streaming):
        if "explode" in prompt:
            raise RuntimeError("no memory")
        words = prompt.split("user")[-1].split()[: sampling.options["max_tokens"]]
        return Result(words, self.log)
    def shutdown(self):
        pass
"""


def engine_in(model: Path) -> Path:
    """Puts the stand-in beside the model, where its imports look first; returns its log."""
    package = model / "1" / "tensorrt_llm"
    (package / "llmapi").mkdir(parents=True)
    (package / "__init__.py").write_text(ENGINE)
    (package / "llmapi" / "__init__.py").touch()
    (package / "llmapi" / "llm_utils.py").write_text("def update_llm_args_with_extra_dict(a, b): return {**a, **b}\n")
    log = model.parent.parent / "engine.log"
    (model / "1" / "model.json").write_text(f'{{"model": "none", "log": "{log}", "max_seq_len": 64}}')
    return log


async def test_tensorrt_llm_model_with_a_stand_in_engine(tmp_path: Path) -> None:
    log = engine_in(copy_model("nova_trtllm", tmp_path / "repository"))
    with served(tmp_path, "nova_trtllm") as server:
        async with grpc.aio.insecure_channel(server.target) as channel:
            mind = TritonMind(channel, TritonSettings(model="nova_trtllm", max_tokens=6, tell_time=False))
            assert (await mind.describe()).adapter == "llmapi"
            async with aclosing(mind.reply([Message("user", "one two three four five six seven eight")])) as pieces:
                got = [piece async for piece in pieces]
            assert len(got) > 1
            assert "".join(got).rstrip() == "one two three four five six"
            with pytest.raises(ModelError, match="TensorRT-LLM failed: RuntimeError: no memory"):
                async with aclosing(mind.reply([Message("user", "explode")])) as pieces:
                    _ = [piece async for piece in pieces]
            assert not log.exists()
            async with aclosing(mind.reply([Message("user", "one two three four five six")])) as pieces:
                async for _ in pieces:
                    break  # closing the generator cancels its stream
            async with aclosing(mind.reply([Message("user", "one two three four five six")])) as pieces:
                _ = [piece async for piece in pieces]  # outlasts the next token of the cancelled one
            assert log.read_text() == "aborted\n"


WRONG = {
    "misnamed": ('name: "misnamed"', 'name: "other"'),
    "batching": ("max_batch_size: 0", "max_batch_size: 16 dynamic_batching { preferred_batch_size: [ 32 ] }"),
    "zero": ("dims: [ -1 ]", "dims: [ 0 ]"),
    "pinned": ("# As vLLM", "version_policy: { specific { versions: [ 4 ] } }\n# As vLLM"),
    "warm_up": ('input_data_file: "prompt"', 'input_data_file: "gone"'),
    "unparsed": ("max_batch_size: 0", "max_batch_size: many"),
}


async def test_the_server_refuses_what_the_check_calls_an_error(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    for name, (old, new) in WRONG.items():
        copy_model("nova", repository, name)
        config = repository / name / "config.pbtxt"
        text = config.read_text().replace('name: "nova"', f'name: "{name}"')
        assert old in text, "the test is out of date"
        config.write_text(text.replace(old, new))
    copy_model("nova", repository)
    copy_model("nova_vllm", repository)
    faulty = {model.name for model in check(repository).models if any(f.level is Level.ERROR for f in model.findings)}
    assert faulty == set(WRONG)
    with served(tmp_path, "nova") as server:
        async with grpc.aio.insecure_channel(server.target) as channel:
            control = ModelControl(channel)
            for name in WRONG:
                with pytest.raises(Refused):
                    await control.load(name)
            # Sound, as far as a server without this backend can tell.
            with pytest.raises(Refused, match="vllm"):
                await control.load("nova_vllm")
            assert await control.ready("nova", 1)
