"""What of vLLM's stream reaches the listener: nothing waits for the stop strings, and none is heard."""

from __future__ import annotations

import json
from collections.abc import Iterator

from nova.adapters import ModelFacts, choose
from nova.generation import Prompting, TritonSettings

INPUTS = {"text_input": "BYTES", "stream": "BOOL", "sampling_parameters": "BYTES", "exclude_input_in_output": "BOOL"}
MODEL = choose(ModelFacts("nova_vllm", INPUTS, {"text_output": "BYTES"}, decoupled=True))


def vllm(
    tokens: list[str], stop: list[str], include_stop_str_in_output: bool = False, **others: object
) -> Iterator[str]:
    """The text of each response as vLLM 0.32 gives it: unless a stop string is to be part of the text, the last so
    many characters stay back as the longest could need.
    """
    kept_back = 0 if include_stop_str_in_output else max(map(len, stop)) - 1
    text, sent = "", 0
    for at, token in enumerate(tokens, 1):
        text += token
        met = next((s for s in stop if s in text), None)
        if met is not None:
            text = text[: text.index(met) + (len(met) if include_stop_str_in_output else 0)]
        final = met is not None or at == len(tokens)
        until = len(text) if final else max(sent, len(text) - kept_back)
        yield text[sent:until]
        if final:
            return
        sent = until


def heard(tokens: list[str], *stop: str) -> list[str]:
    """What the client makes of each response, and of the end."""
    prompting = Prompting(TritonSettings(stop=stop), None)
    sent = {tensor.name: tensor.values for tensor in MODEL.tensors(["Hello."], prompting.sampling, stream=True)}
    cleaner = prompting.cleaner("Hello.", cumulative=False)
    pieces = [cleaner.feed(text.encode()) for text in vllm(tokens, **json.loads(str(sent["sampling_parameters"][0])))]
    return [*pieces, cleaner.flush()]


def test_each_token_is_heard_when_it_comes() -> None:
    assert heard(["Good", " morning", ", all.", " Bye", " now"]) == ["Good", " morning", ", all.", " Bye", " now", ""]


def test_a_stop_string_is_not_heard() -> None:
    assert "".join(heard(["Good", " morning", ", all. By", "e now"], "Bye")) == "Good morning, all. "
    assert "".join(heard(["Good", " morning", "<|im_", "end|>", " now"])) == "Good morning"
