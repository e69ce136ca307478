"""Her side: a reply that is decided becomes a response, and what was heard of it its item. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aurora.face import FaceFrame
from nova.tools import Toolbox, offered
from pipelines.conversation.events import Failed, GenerationOver, ToolCalled
from pipelines.conversation.face_events import Felt
from pipelines.conversation.heard import REMEMBERED
from pipelines.conversation.manner import Manner, Manners
from pipelines.failures import explain
from pipelines.server.realtime.delivered import Delivered
from pipelines.server.realtime.extras import Extras
from pipelines.server.realtime.orders import Ordered
from pipelines.server.realtime.responses import Response
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import Event
from sophia.heard import TimedWord


@dataclass(slots=True)
class Made:
    """What a generation made while its turn was not decided; no more than the playout lets a voice be ahead."""

    manner: Manner
    words: list[TimedWord] = field(default_factory=list)
    frames: list[FaceFrame] = field(default_factory=list)
    moods: list[Felt] = field(default_factory=list)
    limited: bool = False


class Answers:
    """One connection's. Without ``sends_sound`` her voice goes beside the events, and only its words are sent."""

    def __init__(self, state: State, extras: Extras, *, sends_sound: bool) -> None:
        self._state = state
        self._extras = extras
        self._sends_sound = sends_sound
        self._conversation_id = state.ids("conv")
        self.response: Response | None = None
        """The response that is not over."""
        self.cancelling = False
        """The client asked for its end."""
        self.order = Ordered()
        """What the client asked of the response that comes next."""
        self.tools: Toolbox | None = None
        """Tools that it asked for, if it has its own."""
        self.manners = Manners()
        """How replies are made, as the conversation knows it."""
        self.awaited = False
        """The client asked for a response, and it has not begun: what the user says is not over."""
        self._made: dict[int, Made] = {}
        self._dropped = 0  # the generation whose response waits for another one
        self._past: OrderedDict[int, Response] = OrderedDict()  # by generation: those that are over

    def running(self, generation: int) -> Response | None:
        """The response that is not over, if it is this generation's."""
        return self.response if self.response and self.response.generation == generation else None

    def by_item(self, item_id: str) -> Response | None:
        """The response that an item belongs to: the running one, or one of the last few."""
        known = [*self._past.values(), *([self.response] if self.response else [])]
        return next((response for response in known if response.item_id == item_id), None)

    def by_generation(self, generation: int) -> Response | None:
        """The response of a generation: the running one, or one of the last few."""
        return self.running(generation) or self._past.get(generation)

    def unsettled(self) -> dict[str, Response]:
        """The responses of which it is not told yet what was heard, by the item of what she says."""
        known = [*self._past.values(), *([self.response] if self.response else [])]
        return {response.item_id: response for response in known if not response.settled}

    # What a generation makes

    def guess(self, turn: int, generation: int) -> None:
        """A reply is begun that may be dropped; what it makes is kept until it is decided."""
        self._made[generation] = Made(self.manners.of(turn))

    def sound(self, generation: int, first: int, pcm: bytes) -> list[Event]:
        """A block of her voice goes out."""
        if not (response := self.running(generation)):
            return []
        begun = self._buffer("started", response) if self._state.session.tracks and not response.sounds else []
        return begun + response.sound(first, pcm, self._state.session.output_format, send=self._sends_sound)

    def words(self, generation: int, words: Sequence[TimedWord]) -> list[Event]:
        """Words of a generation, decided or not."""
        if response := self.running(generation):
            begun = response.open() if words else []
            return begun + self._extras.words(response.item_id, words, self._state.rate) + response.speak(words)
        if made := self._made.get(generation):
            made.words += words
        return []

    def frames(self, generation: int, frames: Sequence[FaceFrame]) -> list[Event]:
        """Frames of a generation's face, decided or not."""
        if response := self.running(generation):
            begun = response.open() if frames else []
            return begun + self._extras.frames(response.id, response.item_id, frames)
        if (made := self._made.get(generation)) and self._extras.show_the_face:
            made.frames += frames
        return []

    def felt(self, felt: Felt) -> list[Event]:
        """The mood of a generation's sound changes, decided or not."""
        if response := self.running(felt.generation):
            told = self._extras.mood(response.item_id, felt, self._state.rate)
            return response.open() + told if told else []
        if made := self._made.get(felt.generation):
            made.moods.append(felt)
        return []

    def shown(self, generation: int, delta: str) -> list[Event]:
        """The next piece of a reply that is written."""
        response = self.running(generation)
        return response.show(delta) if response else []

    def limited(self, generation: int) -> None:
        """A reply has all the tokens that it may have, decided or not."""
        if found := self.running(generation) or self._made.get(generation):
            found.limited = True

    # The life of a response

    def respond(self, turn: int, generation: int, *, asks: bool = False) -> list[Event]:
        """Begins the response of a generation, or lets it go on in one that waits for it."""
        made = self._made.pop(generation, None) or Made(Manner(written=self.manners.of(turn).written))
        self.manners.decided(turn)
        asked, self.awaited = self.awaited, False
        if self._state.session.transcribes and not (asked or self.response):  # such as that her ears are away
            return []
        events: list[Event] = []
        if self.response:  # the reply was made again before a word of it was heard
            self.response.generation, self._dropped = generation, 0
            self.response.delivered.restart()
            self.response.limited = made.limited
        else:
            self.response = self._new(turn, generation, made.manner, asks=asks)
            self._state.turn(turn).items.append(self.response.item_id)
            self.response.limited = made.limited
            events = self.response.begin()
        self._state.memory.place(self.response.item_id, generation, said=False)
        events += self.words(generation, made.words) + self.frames(generation, made.frames)
        return events + [event for felt in made.moods for event in self.felt(felt)]

    def called(self, event: ToolCalled) -> list[Event]:
        """A reply that is decided called a tool."""
        response = self.running(event.generation) if event.generation else None
        if not response:
            return []
        self._state.calls.add(event.call.id)
        item_id = self._state.ids("item")
        self._state.turn(response.turn).items.append(item_id)
        return response.call(item_id, event.call)

    def called_off(self) -> list[Event]:
        """The client cancels the response that it asked for before it began: it has a begin and an end, and no item.

        While another one runs nothing is told of it.
        """
        self.awaited = False
        manner, self.manners.once = self.manners.once or self.manners.usual, None
        if self.response:
            self.order, self.tools, self.cancelling = Ordered(), None, True
            return []
        return self._new(0, 0, manner).called_off()

    def _new(self, turn: int, generation: int, manner: Manner, *, asks: bool = False) -> Response:
        state, session, order = self._state, self._state.session, self.order
        tools = session.tools if self.tools is None else self.tools
        self.order, self.tools = Ordered(), None
        return Response(
            write=state.write,
            items=state.items,
            id=state.ids("resp"),
            item_id=state.ids("item"),
            conversation_id=self._conversation_id,
            generation=generation,
            turn=turn,
            output={"format": session.output_format.told(), "voice": session.voice},
            delivered=Delivered(state.rate),
            order=order,
            asks=asks,
            may_call=bool(offered(tools.specs, tools.choice)),
            written=manner.written,
            most_tokens=manner.most_tokens,
        )

    def drop(self, generation: int) -> None:
        """A reply is given up unheard: a guess, or one that another follows in the same response."""
        self._made.pop(generation, None)
        if response := self.running(generation):
            response.generation, self._dropped = 0, generation

    def cut_off(self, generation: int) -> list[Event]:
        """The response ends before its time."""
        if not (response := self.running(generation)):
            return []
        events = self._extras.playout("clear", response) if response.opened else []
        events += self._buffer("cleared", response) if response.sounds else []
        return events + self._close(
            response, response.end("cancelled", "client_cancelled" if self.cancelling else "turn_detected")
        )

    def playout(self, what: str, generation: int, back: float = 0.0) -> list[Event]:
        """The playout paused or resumed her voice."""
        response = self.running(generation)
        return self._extras.playout(what, response, back) if response and response.opened else []

    def apologised(self, generation: int) -> None:
        """The reply has failed, and ends with an apology."""
        if response := self.running(generation):
            response.apologised = True

    def failed(self, event: Failed) -> list[Event]:
        """A service failed: the response tells of it at its end; what ends the conversation is told at once."""
        line = explain(event.error, event.service).line
        if (response := self.running(event.generation)) and event.service in ("llm", "tts") and not event.again:
            response.failure = event.service, line
        return [self._error(event.service, "lost", line)] if event.fatal else []

    def finished(self, generation: int) -> list[Event]:
        """The last of a generation's sound went out."""
        if not (response := self.running(generation)):
            return []
        if response.apologised:
            ended = response.end("failed")
        elif response.limited:
            ended = response.end("incomplete", "max_output_tokens")
        else:
            ended = response.end("completed")
        return self._close(response, ended) + (self._buffer("stopped", response) if response.sounds else [])

    def over(self, event: GenerationOver) -> list[Event]:
        """All of a generation was played, or cut off, and this is what was heard."""
        self._made.pop(event.generation, None)
        if self.response and self._dropped == event.generation:  # and no other reply came
            return self._close(self.response, self.response.end("cancelled", "turn_detected"))
        if not (response := self._past.get(event.generation)):
            return []
        response.settled = True
        heard = event.all_heard
        if response.status == "cancelled" and response.delivered.client_ms:
            return self._truncated(response, heard)
        self._remember(response, "completed" if response.status == "completed" else "incomplete", heard)
        if response.status == "failed" and not event.said and response.failure:  # she could not even say so
            service, line = response.failure
            return [self._error(service, "failed", line)]
        return []

    def _close(self, response: Response, events: list[Event]) -> list[Event]:
        self._past[response.generation or self._dropped] = response
        if not response.opened and (turn := self._state.turns.get(response.turn)):
            turn.items.remove(response.item_id)
        while len(self._past) > REMEMBERED:
            self._past.popitem(last=False)
        self.response, self.cancelling, self._dropped = None, False, 0
        return events

    def _buffer(self, what: str, response: Response) -> list[Event]:
        """Where her sound goes by a track, the client is told when it begins, ends, or is taken away."""
        response.sounds = True
        begun = response.open() if what == "started" else []
        return [*begun, self._state.write.event(f"output_audio_buffer.{what}", response_id=response.id)]

    def _truncated(self, response: Response, heard: str) -> list[Event]:
        heard_ms = round(response.delivered.heard_ms, 3)
        self._remember(response, "incomplete", heard)
        return [
            self._state.write.event(
                "conversation.item.truncated",
                item_id=response.item_id,
                content_index=0,
                audio_end_ms=int(heard_ms),
                sophia={"heard": heard, "heard_ms": heard_ms},
            )
        ]

    def _remember(self, response: Response, status: str, heard: str) -> None:
        if response.item_id in self._state.items:
            self._state.items.put(response.item(status, heard))

    def _error(self, service: str, what: str, line: str) -> Event:
        return self._state.write.error(line, f"{service}_{what}", kind="server_error")
