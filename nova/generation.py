"""What the clients share: settings, the way from messages to a prompt and from a stream's pieces to spoken text."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nova.adapters import Sampling
from nova.calls import read_calls
from nova.mind import Message
from nova.prompts import BUILT_IN, ChatTemplate, TemplateError, closing_of, opens_thought, with_time
from nova.results import with_rule
from nova.text import Assembler
from nova.thoughts import STYLES, SpokenText, pair_of
from nova.tools import Choice, ToolCall, ToolSpec, offered

P = TypeVar("P")

_log = logging.getLogger(__name__)


class MindSettings(BaseModel):
    """Which model to ask, how, and how long to wait for it, whatever serves it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field("nova", min_length=1, description="name of the model on the server")
    max_tokens: int | None = Field(
        256, ge=1, le=16_384, description="longest answer, in tokens; null leaves it to an OpenAI-compatible server"
    )
    temperature: float | None = Field(
        0.6, ge=0.0, le=2.0, description="randomness; 0 always takes the likeliest token, null as for max_tokens"
    )
    top_p: float | None = Field(
        0.95, gt=0.0, le=1.0, description="share of the probability that sampling draws from, null as for max_tokens"
    )
    seed: int | None = Field(None, ge=0, description="makes sampling repeatable where the server can")
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="strings that end an answer, besides those of the template"
    )
    thoughts: str = Field(
        "auto",
        description=f"how the model writes its thoughts, which are not spoken: {', '.join(STYLES)}, or a pair of tags "
        "such as '<a> </a>'; auto goes by the template and knows the usual tags",
    )
    tell_time: bool = Field(True, description="tell the model the local date and time with each turn")
    first_token_timeout: float = Field(10.0, gt=0.0, description="longest wait for the first token, in seconds")
    token_timeout: float = Field(5.0, gt=0.0, description="longest wait for each next token, in seconds")
    call_timeout: float = Field(5.0, gt=0.0, description="deadline of short calls such as health, in seconds")
    concurrency: int = Field(8, ge=1, le=256, description="generations that a batch keeps in flight at once")

    @field_validator("thoughts")
    @classmethod
    def _is_style(cls, style: str) -> str:
        pair_of(style)
        return style


class TritonSettings(MindSettings):
    """What Triton wants to know besides: it completes text, so the chat template is ours to apply."""

    version: str = Field("", description="version of the model; empty lets the server choose")
    template: str = Field(
        "chatml", description="chat template: chatml, llama3, nemotron, a Jinja file, or a model folder with one"
    )


@dataclass(frozen=True, slots=True)
class Description:
    """What ``--check`` shows of a served mind. ``adapter`` is the kind of :mod:`nova.adapters` that fits the model."""

    server: str
    version: str
    ready: bool
    model: str
    model_ready: bool
    adapter: str = ""
    max_batch_size: int = 0
    decoupled: bool = False
    models: tuple[str, ...] = ()


def wall_clock() -> datetime:
    """The local time, which is told to people and nothing else."""
    return datetime.now().astimezone()


async def in_parts(
    prompts: Sequence[P], size: int, concurrency: int, answer: Callable[[Sequence[P]], Awaitable[Sequence[str]]]
) -> list[str]:
    """The answers to all prompts in order, asked for ``size`` at a time and ``concurrency`` requests at once.

    The first failure cancels the others and is raised as it is.
    """
    in_flight = asyncio.Semaphore(concurrency)

    async def limited(part: Sequence[P]) -> Sequence[str]:
        async with in_flight:
            return await answer(part)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(limited(prompts[i : i + size])) for i in range(0, len(prompts), size)]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [text for task in tasks for text in task.result()]


def _sampling(settings: MindSettings, stops: tuple[str, ...], *, special: bool) -> Sampling:
    """What Triton is told: its models have no limits of their own, so null means our default."""
    given = {name: getattr(settings, name) for name in ("max_tokens", "temperature", "top_p")}
    default = {name: type(settings).model_fields[name].default for name in given}
    chosen = {name: default[name] if value is None else value for name, value in given.items()}
    return Sampling(**chosen, seed=settings.seed, stop=stops, special=special)


_REPLACEMENT = "\ufffd".encode()


class Prompting:
    """Messages to prompt, and back: the part of a client that depends on the chat template."""

    def __init__(
        self, settings: TritonSettings, template: ChatTemplate | None, now: Callable[[], datetime] | None = None
    ) -> None:
        if template is None:
            if settings.template not in BUILT_IN:
                raise TemplateError(f"template {settings.template!r} is not built in: load_template() it first")
            template = BUILT_IN[settings.template]
        _ = template.compiled  # a broken template is to be found before the first question
        self._settings = settings
        self._template = template
        self._now = now or wall_clock
        self._warned = False
        self.stops = tuple(dict.fromkeys((*template.stops, *settings.stop)))
        self.sampling = _sampling(settings, self.stops, special=template.calls_are_special)

    def prompt(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto") -> str:
        """The rendered prompt; raises :class:`nova.prompts.TemplateError`.

        Where a tool must be called, the prompt ends with the beginning of that call.
        """
        if self._settings.tell_time:
            messages = with_time(messages, self._now())
        tools = offered(tools, choice)
        if tools or any(message.role == "tool" for message in messages):
            messages = with_rule(messages)
        if tools and not self._template.takes_tools and not self._warned:
            self._warned = True
            _log.warning("the chat template has no place for tools, so the model is not told of them: llm.template")
        prompt = self._template.render(messages, tools)
        if not tools or not (begun := self._template.begun_call(choice)):
            return prompt
        return prompt + closing_of(prompt) + begun

    def cleaner(
        self, prompt: str, *, cumulative: bool, tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> Cleaner:
        """A fresh cleaner for the answer to ``prompt``, which was made of the same ``tools`` and ``choice``."""
        style = self._settings.thoughts if self._settings.thoughts != "auto" else self._template.thoughts
        tools = offered(tools, choice)
        cleaner = Cleaner(
            self.stops,
            style=style,
            thinking=opens_thought(prompt),
            cumulative=cumulative,
            tools=tools,
            model=self._settings.model,
        )
        if tools and (begun := self._template.begun_call(choice)):
            cleaner.begin(begun)
        return cleaner


class Cleaner:
    """Turns the raw pieces of one answer into what may be spoken: whole characters, no thoughts, no special tokens.

    :meth:`calls` gives those of ``tools`` that came to their end since they were asked for last.
    """

    def __init__(
        self,
        stops: Sequence[str],
        *,
        style: str,
        thinking: bool = False,
        cumulative: bool = False,
        doubt: bool = False,
        tools: Sequence[ToolSpec] = (),
        model: str = "",
    ) -> None:
        self._assembler = Assembler()
        self._spoken = SpokenText(stops, style=style, thinking=thinking, doubt=doubt, tools=bool(tools))
        self._tools, self._model = tools, model
        self._cumulative = cumulative
        self._doubt = doubt
        self._seen = 0

    @property
    def stopped(self) -> bool:
        """A stop string has been met; nothing more will come."""
        return self._spoken.stopped

    @property
    def opened(self) -> bool | None:
        """Whether the answer began inside a thought, as far as its tags have shown it."""
        return self._spoken.opened

    def begin(self, text: str) -> None:
        """The answer goes on from ``text``, with which its prompt ended."""
        self._spoken.feed(text)

    def take(self, piece: bytes | str | None) -> list[str | ToolCall]:
        """What the piece, or with None the stream's end, makes of the answer: text if there is any, and calls.

        Raises :class:`nova.errors.MalformedCall`.
        """
        text = self.flush() if piece is None else self.feed(piece)
        return [*([text] if text else []), *self.calls()]

    def calls(self) -> list[ToolCall]:
        """The calls that are complete and were not handed out yet; raises :class:`nova.errors.MalformedCall`."""
        if not self._spoken.called or self._spoken.doubt:
            return []
        texts, self._spoken.called = self._spoken.called, []
        return [call for text in texts for call in read_calls(text, self._tools, self._model)]

    def trust(self) -> None:
        """The answer does not begin inside a thought: nothing is held back any more."""
        self._spoken.doubt = False

    def feed(self, piece: bytes | str) -> str:
        """The text that the piece makes speakable; may be empty."""
        if self._cumulative and isinstance(piece, bytes):
            while piece.endswith(_REPLACEMENT):  # a character whose other tokens are still to come
                piece = piece[: -len(_REPLACEMENT)]
            piece, self._seen = piece[self._seen :], max(self._seen, len(piece))
        return self._spoken.feed(self._assembler.feed(piece))

    def flush(self) -> str:
        """The rest, once the stream has ended."""
        rest = self._spoken.feed(self._assembler.flush()) + self._spoken.flush()
        if self._spoken.opened and not self._doubt:
            _log.warning("the model closed a thought that nobody had opened: set llm.thoughts to opened")
        return rest
