"""What the two Triton clients, gRPC and REST, share: settings, and the way from a stream's pieces to spoken text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from nova.adapters import Sampling
from nova.mind import Message
from nova.prompts import BUILT_IN, ChatTemplate, TemplateError, opens_thought, with_time
from nova.text import Assembler
from nova.thoughts import SpokenText


class TritonSettings(BaseModel):
    """Which model to ask, how, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field("nova", min_length=1, description="name of the model on the server")
    version: str = Field("", description="version of the model; empty lets the server choose")
    template: str = Field(
        "chatml", description="chat template: chatml, llama3, a Jinja file, or a model folder with one"
    )
    max_tokens: int = Field(256, ge=1, le=16_384, description="longest answer, in tokens")
    temperature: float = Field(0.6, ge=0.0, le=2.0, description="randomness; 0 always takes the likeliest token")
    top_p: float = Field(0.95, gt=0.0, le=1.0, description="share of the probability that sampling draws from")
    seed: int | None = Field(None, ge=0, description="makes sampling repeatable where the server can")
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="strings that end an answer, besides those of the template"
    )
    tell_time: bool = Field(True, description="tell the model the local date and time with each turn")
    first_token_timeout: float = Field(10.0, gt=0.0, description="longest wait for the first token, in seconds")
    token_timeout: float = Field(5.0, gt=0.0, description="longest wait for each next token, in seconds")
    call_timeout: float = Field(5.0, gt=0.0, description="deadline of short calls such as health, in seconds")
    concurrency: int = Field(8, ge=1, le=256, description="generations that a batch keeps in flight at once")


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
        self._settings = settings
        self._template = template
        self._now = now or (lambda: datetime.now().astimezone())  # wall clock: it is told to people
        self.stops = tuple(dict.fromkeys((*template.stops, *settings.stop)))
        self.sampling = Sampling(settings.max_tokens, settings.temperature, settings.top_p, settings.seed, self.stops)

    def prompt(self, messages: Sequence[Message]) -> str:
        """The rendered prompt; raises :class:`nova.prompts.TemplateError`."""
        if self._settings.tell_time:
            messages = with_time(messages, self._now())
        return self._template.render(messages)

    def cleaner(self, prompt: str, *, cumulative: bool) -> Cleaner:
        """A fresh cleaner for the answer to ``prompt``."""
        return Cleaner(self.stops, thinking=opens_thought(prompt), cumulative=cumulative)


class Cleaner:
    """Turns the raw pieces of one answer into what may be spoken: whole characters, no thoughts, no special tokens."""

    def __init__(self, stops: Sequence[str], *, thinking: bool, cumulative: bool) -> None:
        self._assembler = Assembler()
        self._spoken = SpokenText(stops, thinking=thinking)
        self._cumulative = cumulative
        self._seen = 0

    @property
    def stopped(self) -> bool:
        """A stop string has been met; nothing more will come."""
        return self._spoken.stopped

    def feed(self, piece: bytes) -> str:
        """The text that the piece makes speakable; may be empty."""
        if self._cumulative:
            while piece.endswith(_REPLACEMENT):  # a character whose other tokens are still to come
                piece = piece[: -len(_REPLACEMENT)]
            piece, self._seen = piece[self._seen :], max(self._seen, len(piece))
        return self._spoken.feed(self._assembler.feed(piece))

    def flush(self) -> str:
        """The rest, once the stream has ended."""
        return self._spoken.feed(self._assembler.flush()) + self._spoken.flush()
