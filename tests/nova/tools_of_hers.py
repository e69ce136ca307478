"""Tools as a talk offers them, and the embedded mind asked with them."""

from __future__ import annotations

from typing import Any

from embedded_talk import NOW, part

from nova.generation import Prompting, TritonSettings
from nova.mind import Message
from nova.tools import Choice, ToolCall, ToolSpec


def takes(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """A schema."""
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
TOOLS = (
    ToolSpec("what_time", "What time and what date it is, here or somewhere else.", takes(place=TEXT)),
    ToolSpec("set_timer", "Starts a timer.", takes(hours=NUMBER, minutes=NUMBER, seconds=NUMBER, name=TEXT)),
    ToolSpec("set_reminder", "Reminds the user of something.", takes("what", what=TEXT, minutes=NUMBER, time=TEXT)),
    ToolSpec("list_timers", "Tells which timers and reminders are running."),
    ToolSpec("cancel_timer", "Cancels a timer or a reminder.", takes(name=TEXT)),
    ToolSpec("calculate", "Works out a calculation.", takes("expression", expression=TEXT)),
    ToolSpec(
        "convert_units",
        "Converts an amount from one unit to another.",
        takes("amount", "from_unit", "to_unit", amount=NUMBER, from_unit=TEXT, to_unit=TEXT),
    ),
    ToolSpec("gpu_status", "How hot and how busy the GPUs are."),
    ToolSpec("service_status", "Whether a service is up.", takes("service", service={"enum": ["riva", "triton"]})),
    ToolSpec("remember_fact", "Keeps a fact about the user.", takes("fact", fact=TEXT)),
    ToolSpec("get_weather", "Tells the weather in a city.", takes("city", city=TEXT)),
)


def reply(
    *messages: Message,
    tools: tuple[ToolSpec, ...] = TOOLS,
    system: str = "You are Sophia.",
    choice: Choice = "auto",
    template: str = "chatml",
) -> tuple[str, list[ToolCall]]:
    """What she says after these messages, and what she calls, as the client reads it."""
    prompting = Prompting(TritonSettings(template=template), None, lambda: NOW)
    prompt = prompting.prompt([Message("system", system), *messages], tools, choice)
    cleaner = prompting.cleaner(prompt, cumulative=False, tools=tools, choice=choice)
    out = [*cleaner.take(str(part("talk").answer(prompt))), *cleaner.take(None)]
    calls = [piece for piece in out if isinstance(piece, ToolCall)]
    return "".join(piece for piece in out if isinstance(piece, str)), calls


def calls(question: str, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    """What she calls for a question."""
    return [(call.name, call.parsed()) for call in reply(Message("user", question), **options)[1]]


def told(*results: str, question: str = "What is the weather in Ulm?", **options: Any) -> tuple[str, list[ToolCall]]:
    """What she says, and calls, when tools have given these results."""
    made = tuple(ToolCall(f"call_{at}", "get_weather", '{"city": "Ulm"}') for at, _ in enumerate(results))
    answers = [Message("tool", text, answers=call) for text, call in zip(results, made, strict=True)]
    return reply(Message("user", question), Message("assistant", "", made), *answers, **options)
