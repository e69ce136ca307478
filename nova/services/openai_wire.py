"""What OpenAI-compatible servers say, and what it means: events and refusals as plain data. Pure.

The forms are those of OpenAI's own service, of vLLM, NIM, llama.cpp, Ollama, OpenRouter, Mistral and what stands before
them. What is missing or null counts as empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nova.calls import new_id
from nova.errors import AccessDenied, MalformedCall, ModelError, NoModelServer, Overloaded, Rejected, UnknownModel
from nova.tools import ToolCall

OPTIONAL = ("max_tokens", "temperature", "top_p", "seed", "stop")
"""Settings that a server may refuse."""

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 529}) - {500}


MOST_CALLS = 32
MOST_ARGUMENTS = 256 * 1024
"""Calls in one answer, and characters of their arguments: a model that goes on and on is not followed."""


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A part of a tool call: ``index`` says of which, where the server does; what is not told is empty."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """What an event adds.

    ``text``; whether the model is at work (``alive``) and thinks, where the server tells thoughts apart; why it ended,
    if it did; parts of the tool calls that it makes.
    """

    text: str = ""
    alive: bool = False
    thinks: bool = False
    finish: str = ""
    calls: tuple[CallDelta, ...] = ()


class CallParts:
    """Puts an answer's tool calls together, in the order in which they began."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._calls: list[list[str]] = []  # id, name, arguments
        self._at: dict[int, int] = {}  # place in the list, by the server's index

    def add(self, parts: tuple[CallDelta, ...]) -> None:
        """Takes what an event brought. Raises :class:`MalformedCall` where it is too much."""
        for part in parts:
            if part.index is None:  # whole calls, or one call's parts
                at = len(self._calls) if part.name or not self._calls else len(self._calls) - 1
            else:
                at = self._at.setdefault(part.index, len(self._calls))
                known = self._calls[at] if at < len(self._calls) else None
                if known and part.name and known[1] and part.id and part.id != known[0]:  # the same index once more
                    at = self._at[part.index] = len(self._calls)
            if at == len(self._calls):
                self._calls.append(["", "", ""])
            call = self._calls[at]
            call[0], call[1], call[2] = part.id or call[0], part.name or call[1], call[2] + part.arguments
        if len(self._calls) > MOST_CALLS or sum(len(call[2]) for call in self._calls) > MOST_ARGUMENTS:
            raise MalformedCall(f"model {self._model!r} called tools without end")

    @property
    def names(self) -> set[str]:
        """The tools that are called."""
        return {name for _, name, _ in self._calls if name}

    def whole(self) -> list[ToolCall]:
        """The calls, once the answer is complete; ids that are missing, or come twice, are made."""
        seen: set[str] = set()
        calls = []
        for name_id, name, arguments in self._calls:
            unique = name_id if name_id and name_id not in seen else new_id()
            seen.add(unique)
            calls.append(ToolCall(unique, name, arguments.strip() or "{}"))
        return calls


def read(event: Mapping[str, Any], model: str) -> Delta:
    """The first choice of a chunk or of an unstreamed answer. Raises :class:`ModelError` for an error in its place."""
    refuses = event.get("object") == "error" or ("choices" not in event and event.get("detail"))
    if error := event.get("error") or (event if refuses else None):
        raise ModelError(f"model {model!r}: {_words(error) or 'it failed without saying why'}")
    choices = event.get("choices")
    found = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    choice = next((choice for choice in found if choice.get("index") in (0, "0", None)), None)
    if choice is None:
        return Delta()
    body: dict[str, Any] = next((choice[key] for key in ("delta", "message") if isinstance(choice.get(key), dict)), {})
    bare = choice.get("delta") or choice.get("text")  # as some write that make a chat of completions
    text = _text(body.get("content")) or _text(body.get("refusal")) or (bare if isinstance(bare, str) else "")
    listed = body.get("tool_calls")
    calls: list[Any] = listed if isinstance(listed, list) else []
    parted = tuple(_call(call) for call in calls if isinstance(_field(call, "function"), dict))
    parts = isinstance(body.get("content"), list) and not text  # a thought's, as Mistral sends it
    thinks = bool(body.get("reasoning_content") or body.get("reasoning") or (parts and body["content"]))
    alive = bool(text or calls or body.get("content") or thinks)
    return Delta(text, alive, thinks, str(choice.get("finish_reason") or ""), parted)


def _call(call: dict[str, Any]) -> CallDelta:
    function, index = call["function"], call.get("index")
    given = function.get("arguments")
    arguments = given if isinstance(given, str) else "" if given is None else json.dumps(given, ensure_ascii=False)
    at = index if isinstance(index, int) else None
    return CallDelta(at, str(call.get("id") or ""), str(function.get("name") or ""), arguments)


def refused(model: str, status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
    """The error for an HTTP status that is none of success."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    error = answer.get("error") or answer if isinstance(answer, dict) else answer
    plain = body.decode("utf-8", "replace") if answer is None and not body.lstrip().startswith(b"<") else ""
    words = _words(error) or " ".join(plain.split())[:300] or f"HTTP status {status}"
    line = f"model {model!r}: {words}"
    if 300 <= status < 400:
        there = headers.get("location", "somewhere else")[:200]
        line = f"model {model!r}: the server sends us to {there} instead of answering"
        return NoModelServer(line, "Set llm.endpoint.target to the server itself, and its TLS as the server has it")
    if status in (401, 403):
        return AccessDenied(line, "Check the API key: api_key_file or api_key_env of llm.endpoint")
    if status == 404:
        return UnknownModel(line, "Check llm.model; --check lists what the server has")
    if status in _BUSY:
        after = _seconds(headers.get("retry-after", ""))
        hint = f"Try again in {after:g} s" if after is not None else "Try again, or look into the server's log"
        if _field(error, "code") == "insufficient_quota":
            hint = "The account has no quota left"
        return Overloaded(line, hint, after)
    if status >= 500:
        return ModelError(line, "Look into the server's log")
    name = str(_field(error, "param") or "")
    name = "max_tokens" if name == "max_completion_tokens" else name
    return Rejected(line, f"Set llm.{name} to null, or to what the server takes" if name in OPTIONAL else "")


def wants_completion_tokens(error: ModelError) -> bool:
    """Whether the server refuses ``max_tokens`` and names its successor."""
    return isinstance(error, Rejected) and "max_completion_tokens" in str(error)


def refuses_tools(error: ModelError) -> bool:
    """Whether it is about the tools that the server was sent: it, or the model, cannot call any.

    vLLM wants an option at its start, llama.cpp another one, and Ollama knows it of each model.
    """
    told = str(error).casefold()
    return "tool" in told and any(
        words in told for words in ("support", "requires", "enable", "not allowed", "unknown")
    )


def model_names(answer: Any) -> tuple[str, ...]:
    """The names in the answer to ``/v1/models``."""
    listed = answer.get("data") or answer.get("models") or [] if isinstance(answer, dict) else answer
    names = (_field(entry, "id") or _field(entry, "name") or entry for entry in listed or [])
    return tuple(sorted({name for name in names if isinstance(name, str)}))


def _field(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(content: object) -> str:
    """Content as text: a string, or a list of parts of which those that are no text are left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        text = content.get("text", content.get("value"))
        return _text(text) if content.get("type", "text") in ("text", "output_text") else ""
    return "".join(map(_text, content)) if isinstance(content, list) else ""


def _words(error: object) -> str:
    """What an error says, in one line, whatever its form."""
    if isinstance(error, dict):
        found = next((error[key] for key in ("message", "detail", "error", "msg", "code") if error.get(key)), None)
        return _words(found) if found is not None else " ".join(json.dumps(error).split())[:300] if error else ""
    if isinstance(error, list):
        return "; ".join(filter(None, map(_words, error)))[:300]
    return " ".join(str(error).split())[:300] if error is not None else ""


def _seconds(value: str) -> float | None:
    try:
        return max(0.0, float(value))
    except ValueError:
        return None  # a date; nobody waits for one in a conversation
