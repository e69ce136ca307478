"""A client's events: what each asks of the connection, and what is answered at once. Pure; nothing here raises.

What can be met is met leniently: positions are clamped and unknown fields ignored. What cannot is answered by an
``error`` with OpenAI's code where there is one, and with the id of the client's event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pipelines.conversation.events import (
    AnswerRequested,
    CancelRequested,
    Happening,
    PlaybackAcknowledged,
    PolicyChanged,
    TextTyped,
    ToolAnswered,
    ToolCalled,
)
from pipelines.conversation.manner import Manner
from pipelines.server.realtime.agreed import Agreed
from pipelines.server.realtime.answers import Answers
from pipelines.server.realtime.asides import Asides
from pipelines.server.realtime.extras import Extras
from pipelines.server.realtime.items import Item, answered, called, shown, spoken, written
from pipelines.server.realtime.lending import lent_result, lent_tools
from pipelines.server.realtime.orders import order
from pipelines.server.realtime.positions import playout_report
from pipelines.server.realtime.questions import Questions
from pipelines.server.realtime.reading import (
    Refused,
    clean,
    identity,
    mapping,
    message,
    number,
    place_of,
    words_of,
)
from pipelines.server.realtime.resuming import Resuming
from pipelines.server.realtime.sounds import Sounds
from pipelines.server.realtime.state import State
from pipelines.server.realtime.tools import read_order
from pipelines.server.realtime.wishes import Event, OfferOnce, OnceLike, SessionChanged, Wish
from sophia.decisions import Refuse
from sophia.events import AskRequested, SayRequested

MOST_WAITING: Final = 32
"""Messages that may wait for a ``response.create``, and messages of the system."""

REFUSABLE: Final = ("sophia.say", "sophia.ask", "response.create", "response.cancel", "input_audio_buffer.commit")
"""Events that the conversation itself may refuse."""

ACTIVE: Final = "conversation_already_has_active_response"

Answer = tuple[list[Wish], list[Event]]


class Requests:
    """One connection's. ``watch``: the conversation has ears of its own. ``lends``: the client may lend tools."""

    def __init__(
        self,
        state: State,
        questions: Questions,
        answers: Answers,
        extras: Extras,
        *,
        asides: Asides,
        resuming: Resuming,
        agreed: Agreed,
        watch: bool,
        lends: bool,
        may_instruct: bool,
    ) -> None:
        self._state = state
        self._write = state.write
        self._items = state.items
        self._calls = state.calls
        self._session = state.session
        self._ids = state.ids
        self._questions = questions
        self._answers = answers
        self._extras = extras
        self._asides = asides
        self._resuming = resuming
        self._agreed = agreed
        self._watch = watch
        self._lends = lends
        self._may_instruct = may_instruct
        self._sounds = Sounds(state, questions, answers, watch=watch)
        self._messages: list[str] = []  # items with messages that wait for an answer
        self._asked: tuple[str, str | None, float] | None = None  # what wishes follow from: the event, its id, when
        self._changed()
        self._handlers: dict[str, Callable[[Mapping[str, Any], float], Answer]] = {
            "session.update": self._session_update,
            "conversation.item.create": self._item_create,
            "conversation.item.retrieve": self._item_retrieve,
            "conversation.item.truncate": self._item_truncate,
            "conversation.item.delete": self._item_delete,
            "response.create": self._response_create,
            "response.cancel": self._response_cancel,
            "sophia.say": self._say,
            "sophia.ask": self._tell_of,
            "sophia.playout.position": self._position,
            "sophia.consent": self._consent,
            "sophia.tools": self._lend,
            "sophia.tool.result": lambda event, at: ([lent_result(event)], []),
            **self._sounds.handlers,
        }

    def said(self, message: object, at: float) -> Answer:
        """Takes one event."""
        self._asked = None
        event = mapping(message)
        kind, cause = event.get("type"), identity(event.get("event_id"))
        if not isinstance(kind, str):
            return [], [self._write.error("An event is a JSON object with a 'type'.", "invalid_event", cause=cause)]
        handler = self._handlers.get(kind)
        if handler is None:
            text = f"There is no event of type '{clean(kind)[:80]}', or it is not served yet."
            return [], [self._write.error(text, "unknown_event", cause=cause, param="type")]
        try:
            self._session.must_serve(kind)
            wishes, answers = handler(event, at)
        except Refused as no:
            return [], [self._write.error(no.message, no.code, cause=cause, param=no.param)]
        for answer in answers:
            if answer["type"] == "error" and cause:
                answer["error"]["event_id"] = cause
        if wishes:
            self._asked = kind, cause, at
        return wishes, answers

    def told(self, happening: Happening) -> list[Event]:
        """What the conversation refused of what this client asked for."""
        if not isinstance(happening, Refuse) or self._asked is None:
            return []
        kind, cause, at = self._asked
        if happening.at != at or kind not in REFUSABLE:
            return []
        code = "refused"
        if kind == "response.create":
            code, self._answers.awaited = ACTIVE, False  # all else that may be wrong with it was said at once
        return [self._write.error(f"{happening.reason[:1].upper()}{happening.reason[1:]}.", code, cause=cause)]

    # Session

    def _session_update(self, event: Mapping[str, Any], at: float) -> Answer:
        wished = event.get("session")
        if not isinstance(wished, Mapping):
            raise Refused("session.update needs a 'session' object.", "missing_required_parameter", "session")
        shared = self._session.policy()
        errors = self._resuming.take_up(mapping(wished.get("sophia")).get("resume"))
        problems = self._session.update(wished)
        self._write.extensions = frozenset(self._session.extensions)
        errors += [self._write.error(wrong.message, wrong.code, param=wrong.param) for wrong in problems]
        updated = self._write.event("session.updated", session=self._session.in_force(self._extras.ms(at)))
        past, restored = self._resuming.restored(at)
        self._changed()
        wishes: list[Wish] = [SessionChanged(), *past]
        if (policy := self._session.policy()) != shared:
            wishes.append(PolicyChanged(at=at, policy=policy))
        return wishes, [*errors, updated, *self._agreed.news(), *restored]

    def _consent(self, event: Mapping[str, Any], at: float) -> Answer:
        return [self._agreed.agree(event)], []

    def _changed(self) -> None:
        """Replies are made as the client wants them, from the next on."""
        session = self._session
        self._answers.manners.usual = Manner(session.written, self._instruct(session.instructions), session.most_tokens)

    def _instruct(self, instructions: str) -> str:
        """All of the client's instructions: those for its session, or for one response, and what the system wrote."""
        return "\n\n".join(filter(None, (instructions, *self._state.notes.values())))

    # Items

    def _item_create(self, event: Mapping[str, Any], at: float) -> Answer:
        item = event.get("item")
        if not isinstance(item, Mapping):
            raise Refused("conversation.item.create needs an 'item' object.", "missing_required_parameter", "item")
        name = self._new_id(item)
        first, after = place_of(event, self._items)
        if item.get("type") in ("function_call", "function_call_output"):
            wish, entry = self._tool_item(name, item, at)
            return [wish], self._take_in(entry, after, first=first)
        role, text = message(item, may_instruct=self._may_instruct)
        if role == "assistant":
            self._sounds.must_talk()
            waiting, self._messages = self._waiting(), []
            past = self._state.memory.recall(at, name, text, [(asked, self._text(asked)) for asked in waiting])
            return [past], self._take_in(shown(name, "completed", text), after, first=first)
        entry = written(name, text, role)
        wishes: list[Wish] = []
        if role == "system" and len(self._state.notes) >= MOST_WAITING:
            raise Refused(f"She is told {MOST_WAITING} things by the system already.", "too_many_items")
        if role == "user":
            if len(self._messages) >= MOST_WAITING:
                raise Refused(f"{MOST_WAITING} messages wait for an answer; send response.create.", "too_many_items")
            self._messages.append(name)
        if role == "system":
            self._state.notes[name] = text
            self._changed()
            wishes.append(SessionChanged())
        return wishes, self._take_in(entry, after, first=first)

    def _take_in(self, entry: Item, after: str | None, *, first: bool) -> list[Event]:
        name = entry["id"]
        self._items.put(entry, after, first=first)
        previous = self._items.before(name) if name in self._items else None
        return [
            self._write.event("conversation.item.added", item=entry, previous_item_id=previous),
            self._write.event("conversation.item.done", item=entry, previous_item_id=previous),
        ]

    def _tool_item(self, name: str, item: Mapping[str, Any], at: float) -> tuple[Wish, Item]:
        """What a tool said, or a call of an earlier conversation."""
        self._sounds.must_talk()
        if item["type"] == "function_call":
            call = self._calls.read_call(item)
            return ToolCalled(at=at, generation=0, call=call), called(name, call)
        call_id, output = self._calls.read_answer(item)
        return ToolAnswered(at=at, call_id=call_id, output=output), answered(name, call_id, output)

    def _new_id(self, item: Mapping[str, Any]) -> str:
        if item.get("id") is None:
            return self._ids("item")
        name = identity(item["id"])
        if name is None:
            raise Refused("An item's id is a text of at most 128 characters.", "invalid_value", "item.id")
        hearing = self._questions.hearing
        if name in self._items or (hearing and hearing.item_id == name):
            raise Refused(
                f"Error adding item: an item with ID '{name}' already exists.",
                "item_create_duplicate_item_id",
                "item.id",
            )
        return name

    def _known(self, event: Mapping[str, Any], code: str) -> str:
        name = event.get("item_id")
        if not isinstance(name, str) or name not in self._items:
            raise Refused("There is no item with that id, or no longer.", code, "item_id")
        return name

    def _item_retrieve(self, event: Mapping[str, Any], at: float) -> Answer:
        name = self._known(event, "item_retrieve_invalid_item_id")
        return [], [self._write.event("conversation.item.retrieved", item=self._items.get(name))]

    def _item_truncate(self, event: Mapping[str, Any], at: float) -> Answer:
        self._sounds.must_talk()
        name = self._known(event, "item_truncate_invalid_item_id")
        end = number(event.get("audio_end_ms"))
        if end is None:
            raise Refused("truncate needs 'audio_end_ms', a number.", "invalid_type", "audio_end_ms")
        if not (response := self._answers.by_item(name)):
            raise Refused("Only what she said lately can be truncated.", "invalid_value", "item_id")
        delivered = response.delivered
        end = min(max(0.0, end), delivered.client_ms)
        sample = delivered.position(end)
        heard = delivered.heard(sample)
        delivered.played = sample
        status = "in_progress" if response is self._answers.response else "incomplete"
        self._items.put(spoken(name, status, heard))
        heard_ms = round(sample * 1000 / delivered.rate, 3)
        truncated = self._write.event(
            "conversation.item.truncated",
            item_id=name,
            content_index=0,
            audio_end_ms=int(end),
            sophia={"heard": heard, "heard_ms": heard_ms},
        )
        return [PlaybackAcknowledged(at=at, generation=response.generation, samples=sample)], [truncated]

    def _item_delete(self, event: Mapping[str, Any], at: float) -> Answer:
        name = self._known(event, "item_delete_invalid_item_id")
        wishes: list[Wish] = [] if self._watch else [*self._state.memory.forget(at, name)]
        if self._state.notes.pop(name, None) is not None:
            self._changed()
            wishes.append(SessionChanged())
        if name in self._messages:
            self._messages.remove(name)
        self._items.remove(name)
        return wishes, [self._write.event("conversation.item.deleted", item_id=name)]

    # Responses

    def _response_create(self, event: Mapping[str, Any], at: float) -> Answer:
        answers, instruct = self._answers, self._instruct if self._may_instruct else None
        if self._asides.wanted(event):
            self._sounds.must_talk()
            return self._asides.create(event["response"], answers.manners.usual, instruct)
        items, calls = self._waiting(), answers.response
        after_calls = calls is not None and calls.has_called and not items  # heard to its end, and then answered
        if answers.awaited or (answers.response and not after_calls):
            name = answers.response.id if answers.response else "it is about to begin"
            raise Refused(
                f"Conversation already has an active response in progress: {name}. "
                "Wait until the response is finished before creating a new one.",
                ACTIVE,
            )
        given, tools = event.get("response"), self._session.tools
        takes, usual = self._session.takes_tools, None if self._watch else answers.manners.usual
        wished, manner = order(given, usual, instruct, elsewhere=("tools", "tool_choice") if takes else ())
        own = read_order(given, tools.specs, tools.choice) if takes else None
        answers.order, answers.awaited, answers.tools, self._messages = wished, True, own, []
        answers.manners.once = manner
        once: list[Wish] = [OfferOnce(own)] if own else []
        once += [OnceLike(manner)] if manner else []
        if not items:
            return [*once, AnswerRequested(at=at, anew=bool(own or manner))], []
        typed = TextTyped(at=at, text="\n".join(map(self._text, items)))
        self._questions.expected.append((typed, items))
        return [*once, typed], []

    def _waiting(self) -> list[str]:
        return [name for name in self._messages if name in self._items]

    def _text(self, item_id: str) -> str:
        return "\n".join(part["text"] for part in (self._items.get(item_id) or {})["content"])

    def _response_cancel(self, event: Mapping[str, Any], at: float) -> Answer:
        response, wanted = self._answers.response, event.get("response_id")
        if aside := self._asides.cancel(wanted):
            return aside, []
        if self._answers.awaited and wanted is None:
            never = self._answers.called_off()
            return [OfferOnce(None), OnceLike(None), CancelRequested(at=at)], never
        if response is None or wanted not in (None, response.id):
            raise Refused("Cancellation failed: no active response found.", "response_cancel_not_active")
        self._answers.cancelling = True
        return [CancelRequested(at=at)], []

    def _lend(self, event: Mapping[str, Any], at: float) -> Answer:
        if not self._lends:
            raise Refused("Tools are lent by who watches, where the server allows it.", "not_allowed")
        return [lent_tools(event)], []

    def _say(self, event: Mapping[str, Any], at: float) -> Answer:
        return [SayRequested(at=at, text=words_of(event, "text"))], []

    def _tell_of(self, event: Mapping[str, Any], at: float) -> Answer:
        return [AskRequested(at=at, about=words_of(event, "about"))], []

    def _position(self, event: Mapping[str, Any], at: float) -> Answer:
        """A report that cannot be used is no error: ten come a second."""
        name, audio_ms = event.get("item_id"), number(event.get("audio_ms"))
        response = self._answers.by_item(name) if isinstance(name, str) else None
        if response is None or audio_ms is None or not response.generation:
            return [], []
        report, delivered = playout_report(event, response.generation, audio_ms, at), response.delivered
        if self._watch:  # she is heard elsewhere
            return [report], []
        delivered.played = min(round(report.audio_ms * delivered.rate / 1000), delivered.top)
        heard = PlaybackAcknowledged(at=at, generation=response.generation, samples=delivered.played)
        return [heard, report], []
