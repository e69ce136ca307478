"""Responses beside the conversation: of the client's own input, in nobody's history, one at a time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nova.history import UNCLEAR
from nova.mind import Message, Role
from pipelines.conversation.manner import Manner
from pipelines.server.realtime.delivered import Delivered
from pipelines.server.realtime.items import Item
from pipelines.server.realtime.orders import Ordered, order
from pipelines.server.realtime.reading import MOST_TEXT, Refused, clean, mapping
from pipelines.server.realtime.responses import Response, Status
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import AskAside, CancelAside, Event, Wish
from sophia.heard import TimedWord

MOST_INPUTS: Final = 100
"""Items that a response may be given to answer."""

MOST_CHARACTERS: Final = 32_000
"""Characters in all of them."""


@dataclass(slots=True)
class _Asked:
    """What a client gave to be answered; ``said`` by the system stands with the instructions."""

    said: list[str]
    messages: list[Message]


class Asides:
    """One connection's."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.response: Response | None = None
        """The one that is not over."""

    @staticmethod
    def wanted(event: Mapping[str, Any]) -> bool:
        """Whether a ``response.create`` asks for one."""
        return mapping(event.get("response")).get("conversation") == "none"

    def create(
        self, wished: Mapping[str, Any], usual: Manner, instruct: Callable[[str], str] | None
    ) -> tuple[list[Wish], list[Event]]:
        """Begins one; what comes of it is handed over by the methods below."""
        if self.response:
            raise Refused(
                f"A response beside the conversation is in progress: {self.response.id}.",
                "conversation_already_has_active_response",
            )
        given = wished.get("input")
        ordered, own = order({**wished, "conversation": "auto", "input": None}, usual, instruct)
        manner, messages = own or usual, None
        if self._state.session.tracks and not manner.written:
            text = 'Over WebRTC she has one voice; ask beside the conversation for "output_modalities": ["text"].'
            raise Refused(text, "unsupported_parameter", "response.output_modalities")
        if given is not None:
            asked = self._read(given, may_instruct=instruct is not None)
            manner = Manner(manner.written, "\n\n".join([manner.instructions, *asked.said]).strip(), manner.most_tokens)
            messages = tuple(asked.messages)
        self.response = self._new(ordered, manner)
        return [AskAside(messages, manner)], self.response.begin()

    def cancel(self, response_id: object) -> list[Wish]:
        """The client cancels it, by its id; nothing if that is another one's."""
        return [CancelAside()] if self.response and response_id == self.response.id else []

    def wrote(self, text: str) -> list[Event]:
        """The next piece of one in writing."""
        return self.response.show(text) if self.response else []

    def words(self, words: Sequence[TimedWord]) -> list[Event]:
        """The next words of a spoken one."""
        return self.response.speak(words) if self.response else []

    def sound(self, first: int, pcm: bytes) -> list[Event]:
        """A block of a spoken one."""
        return self.response.sound(first, pcm, self._state.session.output_format, send=True) if self.response else []

    def over(self, status: Status, failure: tuple[str, str] | None = None) -> list[Event]:
        """It is over; ``failure`` is the service that failed, and a line for people."""
        response, self.response = self.response, None
        if response is None:
            return []
        response.failure = failure
        reasons = {"cancelled": "client_cancelled", "incomplete": "max_output_tokens"}
        return response.end(status, reasons.get(status))  # type: ignore[arg-type]

    def _new(self, ordered: Ordered, manner: Manner) -> Response:
        state, session = self._state, self._state.session
        return Response(
            write=state.write,
            items=state.items,
            id=state.ids("resp"),
            item_id=state.ids("item"),
            conversation_id=None,
            generation=0,
            turn=0,
            output={"format": session.output_format.told(), "voice": session.voice},
            delivered=Delivered(state.rate),
            order=ordered,
            written=manner.written,
            most_tokens=manner.most_tokens,
        )

    def _read(self, given: object, *, may_instruct: bool) -> _Asked:
        if not isinstance(given, list) or len(given) > MOST_INPUTS:
            raise Refused(f"'input' is a list of at most {MOST_INPUTS} items.", "invalid_value", "response.input")
        asked = _Asked([], [])
        for place, one in enumerate(given):
            path = f"response.input[{place}]"
            role, text = self._text(mapping(one), path)
            if role == "system":
                if not may_instruct:
                    raise Refused("Clients may not instruct her here.", "instructions_not_allowed", path)
                asked.said.append(text)
            elif asked.messages and asked.messages[-1].role == role:  # roles take turns
                asked.messages[-1] = Message(role, f"{asked.messages[-1].content}\n{text}")
            else:
                asked.messages.append(Message(role, text))
        if asked.messages and asked.messages[0].role == "assistant":
            asked.messages.insert(0, Message("user", UNCLEAR))
        if not asked.messages or asked.messages[-1].role == "assistant":
            asked.messages.append(Message("user", UNCLEAR))
        if sum(len(message.content) for message in asked.messages) + sum(map(len, asked.said)) > MOST_CHARACTERS:
            message = f"'input' has at most {MOST_CHARACTERS} characters."
            raise Refused(message, "string_above_max_length", "response.input")
        return asked

    def _text(self, one: Mapping[str, Any], path: str) -> tuple[Role, str]:
        if one.get("type") == "item_reference":
            name = one.get("id")
            found: Item | None = self._state.items.get(name) if isinstance(name, str) else None
            if found is None:
                raise Refused("There is no item with that id, or no longer.", "item_not_found", f"{path}.id")
            one = found
        role = one.get("role")
        if one.get("type", "message") != "message" or role not in ("user", "assistant", "system"):
            raise Refused("Only messages and references to them are taken in.", "unsupported_item", path)
        content = one.get("content")
        parts = [mapping(part) for part in content] if isinstance(content, list) else []
        texts = [part.get("text", part.get("transcript")) for part in parts]
        kinds = ("input_text", "output_text", "input_audio", "output_audio")
        if any(part.get("type") not in kinds or "audio" in part for part in parts):
            raise Refused("Only parts with text, or with a transcript, are taken in.", "unsupported_content", path)
        text = clean("\n".join(text for text in texts if isinstance(text, str))).strip()
        if len(text) > MOST_TEXT:
            raise Refused(f"A message has at most {MOST_TEXT} characters.", "string_above_max_length", path)
        return role, text or UNCLEAR
