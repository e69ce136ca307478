"""Published function-calling cases: a question, functions, and the calls that are right. Read, asked and scored.

The format is that of the Berkeley Function Calling Leaderboard (BFCL): JSON lines, the acceptable values of each
argument in a list, an empty text among them where it may be left out. The right calls stand in the same line, or in a
second file by the same ``id``. A case without right calls wants none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nova.errors import MindError
from nova.mind import Message, Mind, Role
from nova.tools import ToolCall, ToolSpec
from pipelines.evals.loading import CaseError

PERSONA = "You are a voice assistant. Call a function only where one of them answers the user."
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class FunctionCase:
    """One case: ``right`` are the calls, each a name and for every argument the values that will do."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    right: tuple[tuple[str, Mapping[str, Sequence[Any]]], ...]

    @property
    def kind(self) -> str:
        """What kind of case it is, by its id: ``simple_python``, ``parallel``."""
        return re.sub(r"_\d+(-\d+)*$", "", self.id)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a mind made of a case; ``wrong`` says what is not right, empty if nothing is."""

    case: FunctionCase
    calls: tuple[ToolCall, ...]
    wrong: str


def load_functions(questions: Path, answers: Path | None = None) -> list[FunctionCase]:
    """The cases of a file. Raises :class:`~pipelines.evals.loading.CaseError`."""
    right = {line["id"]: line.get("ground_truth") for _, line in _lines(answers)} if answers else {}
    cases = []
    for number, line in _lines(questions):
        try:
            truth = right.get(line["id"]) if answers else line.get("ground_truth")
            messages = [Message(_role(one["role"]), str(one["content"])) for one in _first_turn(line["question"])]
            tools = tuple(_spec(function) for function in line["function"])
            calls = tuple((_name(name), dict(given)) for call in truth or () for name, given in call.items())
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise CaseError([f"{questions}:{number}: this is no function-calling case: {error!r}."]) from None
        cases.append(FunctionCase(str(line["id"]), tuple(messages), tools, calls))
    if not cases:
        raise CaseError([f"{questions}: there is no case in it."])
    return cases


async def answer(mind: Mind, case: FunctionCase) -> Answered:
    """What the mind calls for a case."""
    messages = [Message("system", PERSONA), *(one for one in case.messages if one.role != "system")]
    calls: list[ToolCall] = []
    try:
        async with aclosing(mind.reply(messages, case.tools)) as pieces:
            calls += [piece async for piece in pieces if isinstance(piece, ToolCall)]
    except MindError as error:
        return Answered(case, (), str(error))
    return Answered(case, tuple(calls), wrong(calls, case.right))


def wrong(calls: Sequence[ToolCall], right: Sequence[tuple[str, Mapping[str, Sequence[Any]]]]) -> str:
    """What is not right about the calls, in any order; empty if nothing is."""
    if not right:
        return f"called {calls[0].name}, and none would do" if calls else ""
    if len(calls) != len(right):
        return f"{len(calls)} calls, and {len(right)} are right"
    left = list(right)
    for call in calls:
        faults = [_fault(call, *one) for one in left]
        fitting = next((at for at, fault in enumerate(faults) if not fault), None)
        if fitting is None:
            return faults[0]
        del left[fitting]
    return ""


def _fault(call: ToolCall, name: str, values: Mapping[str, Sequence[Any]]) -> str:
    if call.name != name:
        return f"called {call.name}, and {name} is right"
    given = call.parsed()
    for key in given:
        if key not in values:
            return f"{name} was given {key}, which nobody said"
        if not any(_same(given[key], value) for value in values[key]):
            return f"{name} was given {key}={given[key]!r}, and {values[key][0]!r} is right"
    missing = [key for key, acceptable in values.items() if key not in given and "" not in acceptable]
    return f"{name} was not given {missing[0]}" if missing else ""


def _same(given: Any, right: Any) -> bool:
    if isinstance(right, bool) or isinstance(given, bool):
        return given is right
    if isinstance(right, int | float) and isinstance(given, int | float):
        return abs(given - right) < 1e-9
    if isinstance(right, str) and isinstance(given, str):
        return _plain(given) == _plain(right)
    if isinstance(right, list) and isinstance(given, list):
        return len(given) == len(right) and all(map(_same, given, right))
    if isinstance(right, dict) and isinstance(given, dict):  # here too each value is a list of those that will do
        return not _fault(ToolCall("", "", json.dumps(given)), "", right)
    return bool(given == right)


def _plain(text: str) -> str:
    """As the leaderboard compares texts: without blanks, marks and capitals."""
    return re.sub(r"[\s,./\-_*^'\"]+", "", text.lower())


def _first_turn(question: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(question, str):
        return [{"role": "user", "content": question}]
    turn: list[Mapping[str, Any]] = question[0] if isinstance(question[0], list) else question
    return turn


def _role(role: str) -> Role:
    return "system" if role == "system" else "assistant" if role == "assistant" else "user"


def _name(name: str) -> str:
    """A name as model servers allow one: without dots, as the leaderboard does."""
    return _NAME.sub("_", name)


def _spec(function: Mapping[str, Any]) -> ToolSpec:
    return ToolSpec(_name(function["name"]), str(function.get("description", "")), _schema(function["parameters"]))


def _schema(value: Any) -> Any:
    """Python's names of types as JSON schema has them, however deep."""
    if isinstance(value, dict):
        made = {key: _schema(inner) for key, inner in value.items()}
        if isinstance(made.get("type"), str):
            made["type"] = _TYPES.get(made["type"].lower(), made["type"].lower())
        return made
    return [_schema(inner) for inner in value] if isinstance(value, list) else value


def _lines(file: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(
            [f"{file}: it cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}."]
        ) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, dict(json.loads(line))
            except (ValueError, TypeError):
                raise CaseError([f"{file}:{number}: this is no JSON object; the format is one case a line."]) from None
