"""Turns messages into the prompt string that a raw text-completion endpoint wants.

vLLM's and TensorRT-LLM's Triton backends apply no chat template, so the client does. Templates are Jinja in a sandbox,
with the helpers that templates from model directories expect; three are built in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from nova.control import ControlTokens, tokens_in
from nova.errors import MindError
from nova.mind import Message
from nova.templates import CHATML, LLAMA3, NEMOTRON
from nova.thoughts import THOUGHTS
from nova.tools import Choice, Only, ToolCall, ToolSpec

if TYPE_CHECKING:
    import jinja2


class TemplateError(MindError):
    """A chat template cannot be found, parsed or rendered."""


def _refuse(message: str) -> NoReturn:
    raise TemplateError(f"the chat template refuses these messages: {message}")


def _json(value: object, ensure_ascii: bool = False, **form: Any) -> str:
    """Jinja's own filter ``tojson`` writes for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, **form)


def _environment() -> jinja2.Environment:
    """As transformers sets it up (``transformers/utils/chat_template_utils.py``), so that the prompts are the same."""
    from jinja2 import ext, nodes, parser  # noqa: PLC0415 - slow to import, and only needed here
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    class Generation(ext.Extension):
        """``{% generation %} … {% endgeneration %}`` marks answers for training; in a prompt it is just its content."""

        tags = {"generation"}  # noqa: RUF012 - as jinja2 declares it

        def parse(self, parser: parser.Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    env.filters["tojson"] = _json
    env.globals["raise_exception"] = _refuse
    env.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    return env


class _Arguments(dict[str, Any]):
    """A call's arguments: an object, and its JSON where a template takes them for text."""

    def __str__(self) -> str:
        return _json(self)

    def __add__(self, other: str) -> str:
        return f"{self}{other}"

    def __radd__(self, other: str) -> str:
        return f"{other}{self}"


@dataclass(frozen=True, slots=True)
class _CallForm:
    """How a call begins, and goes on where its tool is known; what is between braces is the tool's name."""

    beginning: str
    named: str


_CALL_FORMS = (
    ("<TOOLCALL>", _CallForm('<TOOLCALL>[{"name": ', '"{}", "arguments": ')),
    ("<tool_call>\\n<function=", _CallForm("<tool_call>\n<function=", "{}>\n")),
    ("<tool_call>\n<function=", _CallForm("<tool_call>\n<function=", "{}>\n")),
    ("<arg_key>", _CallForm("<tool_call>", "{}\n")),
    ("<tool_call>", _CallForm('<tool_call>\n{"name": ', '"{}", "arguments": ')),
    ("[ARGS]", _CallForm("[TOOL_CALLS]", "{}[ARGS]")),
    ("[TOOL_CALLS]", _CallForm('[TOOL_CALLS][{"name": ', '"{}", "arguments": ')),
    ("to=functions.", _CallForm("<|channel|>commentary to=functions.", "{} <|constrain|>json<|message|>")),
    ("", _CallForm('{"name": ', '"{}", "parameters": ')),
)
"""By what shows the dialect in a template's source, as :mod:`nova.calls` reads them; the first that fits counts."""

_SPECIAL_CALLS = ("[TOOL_CALLS]", "<TOOLCALL>", "<|channel|>", "<|tool_call", "<｜tool▁call", "<|START_ACTION|>")


@dataclass(frozen=True)
class ChatTemplate:
    """A template with the strings that end an answer under it; it is compiled on first use.

    ``tokens`` are values the template may use (``bos_token`` …), ``special`` further tokens of the model. Of all these
    none reaches the prompt from a message, whoever wrote it.
    """

    source: str
    stops: tuple[str, ...] = ()
    tokens: dict[str, str] = field(default_factory=dict)
    special: tuple[str, ...] = ()

    @property
    def thoughts(self) -> str:
        """The style of thoughts (:data:`nova.thoughts.STYLES`) of a model with this template."""
        return "harmony" if _is_harmony(self.source) else "auto"

    @cached_property
    def control(self) -> ControlTokens:
        """What messages must not bring along."""
        return ControlTokens((*self.special, *self.tokens.values(), *self.stops, *tokens_in(self.source)))

    @cached_property
    def compiled(self) -> jinja2.Template:
        """The template ready to render; raises :class:`TemplateError` if it does not parse."""
        from jinja2 import TemplateError as JinjaError  # noqa: PLC0415 - as above

        try:
            return _environment().from_string(self.source)
        except JinjaError as error:
            raise TemplateError(f"the chat template does not parse: {error}") from None

    @property
    def calls_are_special(self) -> bool:
        """Whether calls are marked by tokens that a server leaves out of its text unless it is asked for them."""
        return any(mark in self.source for mark in _SPECIAL_CALLS)

    @property
    def takes_tools(self) -> bool:
        """Whether a model can be told of its tools with it."""
        return "tools" in self.source

    def begun_call(self, choice: Choice) -> str:
        """How an answer begins that must be a call under this template; empty if it need not."""
        if choice in ("auto", "none"):
            return ""
        name = choice.name if isinstance(choice, Only) else ""
        form = next((form for mark, form in _CALL_FORMS if mark in self.source), _CALL_FORMS[-1][1])
        return form.beginning + (form.named.format(name) if name else "")

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> str:
        """The prompt, ending where the assistant's answer begins. Raises :class:`TemplateError`.

        A template that takes one call at a time, such as Llama's own, gets several one by one.
        """
        try:
            return self._rendered(messages, tools)
        except TemplateError:
            if not any(len(message.calls) > 1 for message in messages):
                raise
            return self._rendered(one_by_one(messages), tools)

    def _rendered(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> str:
        from jinja2 import TemplateError as JinjaError  # noqa: PLC0415 - as above

        plain = [self._plain(message) for message in messages]
        told = [self._clean(tool.as_function()) for tool in tools] or None
        given = {"bos_token": "", "eos_token": "", "tools": told, "documents": None} | self.tokens
        try:
            return self.compiled.render(given, messages=plain, add_generation_prompt=True)
        except (JinjaError, TypeError, ValueError) as error:
            raise TemplateError(f"the chat template does not render: {error}") from None

    def _plain(self, message: Message) -> dict[str, Any]:
        """A message as templates want it: of a call's arguments they take the object, not its text."""
        plain: dict[str, Any] = {"role": message.role, "content": self.control.removed_from(message.content)}
        if message.calls:
            plain["tool_calls"] = [
                {
                    "id": self._id(call),
                    "type": "function",
                    "function": {"name": call.name, "arguments": _Arguments(self._clean(call.parsed()))},
                }
                for call in message.calls
            ]
        if message.answers:
            plain |= {"tool_call_id": self._id(message.answers), "name": message.answers.name}
        return plain

    def _id(self, call: ToolCall) -> str:
        """The call's id as the template wants it: Mistral's refuse all but nine letters and digits."""
        if "length != 9" not in self.source or re.fullmatch("[A-Za-z0-9]{9}", call.id):
            return call.id
        return hashlib.sha256(call.id.encode("utf-8", "replace")).hexdigest()[:9]

    def _clean(self, value: Any) -> Any:
        """The same without control tokens, however deep they stand."""
        if isinstance(value, str):
            return self.control.removed_from(value)
        if isinstance(value, Mapping):
            return {self.control.removed_from(str(key)): self._clean(inner) for key, inner in value.items()}
        return [self._clean(inner) for inner in value] if isinstance(value, list | tuple) else value


BUILT_IN: dict[str, ChatTemplate] = {
    "chatml": ChatTemplate(CHATML, ("<|im_end|>", "<|im_start|>", "<|endoftext|>")),
    "llama3": ChatTemplate(
        LLAMA3, ("<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>"), {"bos_token": "<|begin_of_text|>"}
    ),
    "nemotron": ChatTemplate(NEMOTRON, ("<|im_end|>", "<|im_start|>", "<|endoftext|>")),
}
"""ChatML serves the embedded mind, Qwen and many others; ``llama3`` Llama 3.x and its descendants; ``nemotron`` is
ChatML for Nemotron 3 Nano with thinking switched off."""


def load_template(spec: str) -> ChatTemplate:
    """A template by built-in name, from a file, or from a model directory.

    A file is Jinja, or a ``tokenizer_config.json``; a directory is searched for ``chat_template.jinja`` and
    ``tokenizer_config.json``, from which the special tokens come. Raises :class:`TemplateError`.
    """
    if spec in BUILT_IN:
        return BUILT_IN[spec]
    try:
        template = _read(Path(spec))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        names = ", ".join(BUILT_IN)
        raise TemplateError(
            f"no chat template {spec!r} ({reason}): give {names}, a Jinja file or a model folder"
        ) from None
    _ = template.compiled
    return template


def _read(path: Path) -> ChatTemplate:
    if path.is_dir():
        return _from_directory(path)
    if path.suffix == ".json":
        return _from_config(path, None)
    source = path.read_text("utf-8")
    return ChatTemplate(source, _stops_in(source))


def _from_directory(folder: Path) -> ChatTemplate:
    jinja = folder / "chat_template.jinja"
    config = folder / "tokenizer_config.json"
    source = jinja.read_text("utf-8") if jinja.exists() else None
    if source is not None and not config.exists():
        return ChatTemplate(source, _stops_in(source))
    return _from_config(config, source)


def _from_config(path: Path, source: str | None) -> ChatTemplate:
    try:
        config: dict[str, Any] = json.loads(path.read_text("utf-8"))
        tokens = {
            k: v["content"] if isinstance(v, dict) else v for k, v in config.items() if k.endswith("_token") and v
        }
        found = source or config["chat_template"]
        if isinstance(found, list):  # several named templates
            found = {t["name"]: t["template"] for t in found}["default"]
        if not isinstance(found, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TemplateError(f"{path} holds no chat template: add chat_template.jinja beside it") from None
    tokens = {k: v for k, v in tokens.items() if isinstance(v, str)}
    special = _special(config)
    stops = tuple(dict.fromkeys([*([tokens["eos_token"]] if "eos_token" in tokens else []), *_stops_in(found)]))
    return ChatTemplate(found, stops, tokens, special)


def _special(config: dict[str, Any]) -> tuple[str, ...]:
    """The tokens that the model's tokenizer reads as one: those it calls special, and tags that it has added."""
    added = config.get("added_tokens_decoder")
    entries = [entry for entry in added.values() if isinstance(entry, dict)] if isinstance(added, dict) else []
    found = [e.get("content") for e in entries if e.get("special") or str(e.get("content"))[:1] in ("<", "[")]
    more = config.get("additional_special_tokens")
    found += [entry.get("content") if isinstance(entry, dict) else entry for entry in more or [] if entry]
    return tuple(dict.fromkeys(token for token in found if isinstance(token, str)))


def _stops_in(source: str) -> tuple[str, ...]:
    """The well-known end-of-turn tokens that a template writes after a message."""
    known = (
        "<|im_end|>",
        "<|eot_id|>",
        "<|end|>",
        "<|end_of_text|>",
        "<|endoftext|>",
        "<end_of_turn>",
        "<turn|>",
        "</s>",
    )
    if _is_harmony(source):
        return ("<|return|>", "<|call|>")  # <|end|> ends a message, and the answer may be the next one
    return tuple(token for token in known if token in source)


def _is_harmony(source: str) -> bool:
    return "<|channel|>" in source and "<|message|>" in source


def opens_thought(prompt: str) -> bool:
    """Whether the prompt ends inside an opened thought, so that the answer starts with thinking."""
    return prompt.rstrip().endswith(tuple(opening for opening, _ in THOUGHTS))


def closing_of(prompt: str) -> str:
    """What closes a thought that the prompt has opened; empty if it has opened none."""
    end = prompt.rstrip()
    return next((f"{closing}\n\n" for opening, closing in THOUGHTS if end.endswith(opening)), "")


def one_by_one(messages: Sequence[Message]) -> list[Message]:
    """The same conversation, in which each call of several at once stands in a message of its own before its result."""
    out: list[Message] = []
    waiting: dict[str, Message] = {}
    for place, message in enumerate(messages):
        if len(message.calls) > 1:
            results = takewhile(lambda after: after.role == "tool", messages[place + 1 :])
            waiting = {result.answers.id: result for result in results if result.answers}
            for call in message.calls:
                out.append(Message("assistant", message.content if call is message.calls[0] else "", (call,)))
                out += [waiting[call.id]] if call.id in waiting else []
        elif message not in waiting.values():
            out.append(message)
    return out


def with_time(messages: Sequence[Message], now: datetime) -> list[Message]:
    """The messages with the local time told in the system message, so that the model can answer questions of time.

    The wording is fixed English, because the embedded mind reads it back. Minutes, not seconds, so that a server's
    prefix cache survives from turn to turn.
    """
    told = f"It is {now:%A}, {now.day} {now:%B} {now.year}, {now:%H:%M}."
    if messages and messages[0].role == "system":
        first = Message("system", f"{messages[0].content}\n{told}")
        return [first, *messages[1:]]
    return [Message("system", told), *messages]
