"""A conversation at which the wire is tried: the real turn taking and a client, with sound that only has a length."""

from dataclasses import dataclass, field

from nova.tools import ToolCall
from pipelines.conversation.book import TurnBook
from pipelines.conversation.events import (
    GenerationOver,
    Happening,
    HoldEnded,
    PhaseChanged,
    PlaybackAcknowledged,
    Shown,
    ToolCalled,
    TurnEnded,
    UserText,
)
from pipelines.conversation.manner import Manners
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import CancelAside, OnceLike, SessionChanged
from sophia.decisions import (
    Announce,
    Apologise,
    Commit,
    Decision,
    Drop,
    Farewell,
    Interrupt,
    Notify,
    Pause,
    Refuse,
    Reopen,
    Reprompt,
    Resume,
    Say,
    Start,
)
from sophia.events import ReplyText, Tick, Transcribed, TurnEvent
from sophia.heard import TimedWord
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.transcripts import Transcript
from sophia.turns import TurnTaking
from sophia.vad import VoiceStarted, VoiceStopped

RATE = 22_050
WORD = RATE // 4
"""A quarter of a second of sound for each word."""
REPLY = "Here it is, as you have asked for it."
PHRASE = "Sorry, say that again?"
OFFSET = 100.0
"""``loop.time()`` of the beginning."""


def counting():
    """Ids that count, for golden orders."""
    count = 0

    def ids(prefix):
        nonlocal count
        count += 1
        return f"{prefix}_{count}"

    return ids


def timed(text, start=0):
    pieces = text.split()
    return [
        TimedWord(f" {piece}" if at or start else piece, start + at * WORD, start + (at + 1) * WORD)
        for at, piece in enumerate(pieces)
    ]


@dataclass
class Reply:
    """A generation that is not over: its words, how far its sound went out, and what it is worth."""

    words: list[TimedWord]
    told: int = 0
    at: int = 0
    phrase_at: int | None = None
    committed: bool = False
    audible: bool = False
    paused: bool = False
    called: list = field(default_factory=list)
    written: bool = False
    shown: str = ""

    @property
    def length(self):
        return self.words[-1].end if self.words else 0


@dataclass
class Talk:
    """One conversation, its clock and the wire of one client; ``sent`` are the events in batches, as they left."""

    settings: object = None
    wire: Wire = None
    now: float = OFFSET
    sent: list = field(default_factory=list)
    decided: list = field(default_factory=list)
    ledgers: list = field(default_factory=list)
    wishes: list = field(default_factory=list)
    called: int = 0
    told_of: set = field(default_factory=set)

    def __post_init__(self):
        self.turns = TurnTaking(self.settings)
        self.book = TurnBook()
        self.wire = self.wire or Wire(began=OFFSET, voice_rate=RATE, ids=counting())
        self.replies = {}
        self.manners = Manners()
        self.acknowledged = {}
        self.phase = "idle"
        self.sent.append(self.wire.opened(self.now))

    @property
    def events(self):
        return [event for batch in self.sent for event in batch]

    def types(self, since=0):
        """What left since batch ``since``, by type, without what is ours."""
        return [e["type"] for batch in self.sent[since:] for e in batch if not e["type"].startswith("sophia.")]

    # The conversation

    def tell(self, event):
        """As :meth:`pipelines.conversation.conversation.Conversation.tell`."""
        waiting = [event]
        while waiting:
            happening = waiting.pop(0)
            waiting += self._pass_on(happening)
            if not isinstance(happening, TurnEvent):
                continue
            for decision in self.turns.tell(happening):
                self.decided.append(decision)
                waiting += self._pass_on(decision)
            if isinstance(happening, Transcribed) and self.turns.text:
                self._pass_on(UserText(at=happening.at, turn=self.turns.turn, text=self.turns.text))
            if not isinstance(happening, ReplyText) and self.turns.phase != self.phase:
                self.phase = self.turns.phase
                self._pass_on(PhaseChanged(at=happening.at, phase=self.phase))
        return self

    def _pass_on(self, happening: Happening):
        ended = self.book.tell(happening)
        self.sent.append(self.wire.told(happening))
        news = self._carry_out(happening)
        for ledger in ended:
            self.ledgers.append(ledger)
            self.sent.append(self.wire.told(TurnEnded(at=happening.at, ledger=ledger)))
        return news

    def _carry_out(self, happening):
        match happening:
            case Start(turn=turn, generation=generation):
                self.replies[generation] = Reply(timed(REPLY), written=self.manners.of(turn).written)
            case Say(turn=turn, generation=generation, text=text):
                written = self.manners.of(turn).written
                self.replies[generation] = Reply(timed(text), committed=True, written=written)
            case Reprompt() | Announce() | Notify() | Farewell():
                generation = happening.generation
                written = self.manners.of(happening.turn).written
                self.replies[generation] = Reply(timed(PHRASE), committed=True, phrase_at=0, written=written)
            case Commit(turn=turn, generation=generation):
                self.manners.decided(turn)
                self.replies[generation].committed = True
                return self._calls_of(generation) + self._show(generation)
            case Refuse():
                self.manners.once = None
            case Apologise(generation=generation) if reply := self.replies.get(generation):
                kept = reply.words[: max(reply.told, -(-reply.at // WORD))]
                reply.phrase_at = kept[-1].end if kept else 0
                reply.words = kept + timed(PHRASE, reply.phrase_at)
            case Pause():
                self._active().paused = True
            case Resume(rewind=rewind):
                reply = self._active()
                reply.paused = False
                reply.at = max(0, reply.at - round(rewind * RATE))
            case Drop(generation=generation) | Reopen(generation=generation) | Interrupt(generation=generation):
                if generation in self.replies:
                    return [self._over(generation, silenced=happening.at)]
            case PlayoutFinished(generation=generation) if generation in self.replies:
                return [self._over(generation)]
            case PlaybackAcknowledged(generation=generation, samples=samples) if generation in self.replies:
                self.acknowledged[generation] = max(0, samples)
        return []

    def _calls_of(self, generation):
        """As :class:`pipelines.conversation.replies.Replies` tells of calls: once their turn is decided, and once."""
        reply, news = self.replies[generation], []
        if reply.committed:
            for call in reply.called:
                news.append(HoldEnded(at=self.now, generation=generation))
                news.append(ToolCalled(at=self.now, generation=generation, call=call))
                self.told_of.add(call.id)
            reply.called.clear()
        return news

    def _show(self, generation):
        """As :meth:`pipelines.conversation.replies.Replies._show`: what is known of a written reply can be read."""
        reply = self.replies[generation]
        text = "".join(word.text for word in reply.words[: reply.told])
        delta, first = text[len(reply.shown) :], not reply.shown
        if not (reply.written and reply.committed and delta):
            return []
        reply.shown = text
        held = [HoldEnded(at=self.now, generation=generation)] if first else []
        return [*held, Shown(at=self.now, generation=generation, delta=delta)]

    def _active(self):
        return next(reply for reply in self.replies.values() if reply.committed)

    def _over(self, generation, silenced=None):
        reply = self.replies.pop(generation)
        heard = min(reply.at, self.acknowledged.get(generation, reply.at)) if silenced is not None else reply.at
        edge = reply.length if reply.phrase_at is None else reply.phrase_at
        if reply.written:
            heard = reply.told * WORD  # of what was written all was read
        words = [word for word in reply.words if (word.start + word.end) / 2 <= heard]
        return GenerationOver(
            at=self.now, generation=generation, text="".join(word.text for word in reply.words),
            heard="".join(word.text for word in words if word.start < edge).strip(),
            said="".join(word.text for word in words if word.start >= edge).strip(), silenced=silenced,
        )  # fmt: skip

    def until(self, at):
        """Time passes, ticks and all."""
        at = max(at, self.now)
        for _ in range(300):
            due = self.turns.deadline
            if due is None or due > at:
                self.now = at
                return self
            self.now = max(self.now, due)
            self.tell(Tick(at=self.now))
        raise AssertionError("the machine asks for ticks without end")

    def wait(self, seconds):
        return self.until(self.now + seconds)

    # The user

    def voice(self, seconds):
        self.starts().wait(seconds)
        return self.stops()

    def starts(self):
        return self.tell(VoiceStarted(self.now, self.now))

    def stops(self):
        return self.tell(VoiceStopped(self.now - 0.06, self.now))

    def says(self, text, final=True, stable=False):
        transcript = Transcript(text, final=final, stability=1.0 if stable else 0.1)
        return self.tell(Transcribed(at=self.now, transcript=transcript))

    def asks(self, text="where is my order"):
        """A turn of a voice, up to the decision."""
        return self.voice(0.8).says(text).wait(2.0)

    # She

    @property
    def generation(self):
        return max(self.replies, default=0)

    def writes(self, count=99, generation=None):
        """The next words are known."""
        if reply := self.replies.get(generation or self.generation):
            words = reply.words[reply.told : reply.told + count]
            reply.told += len(words)
            if reply.written:
                for event in self._show(generation or self.generation):
                    self.tell(event)
                return self
            self.sent.append(self.wire.words(generation or self.generation, words))
        return self

    def calls(self, name="get_weather", arguments='{"city": "Ulm"}', alone=True):
        """The newest reply calls a tool; ``alone``: and has not a word to say."""
        if reply := self.replies.get(self.generation):
            self.called += 1
            reply.called.append(ToolCall(f"call_{self.called}", name, arguments))
            if alone and not reply.told:
                reply.words = []
            for happening in self._calls_of(self.generation):
                self.tell(happening)
        return self

    def answers_call(self, call_id="call_1", output="warm", **fields):
        """The client says what a tool has said."""
        item = {"type": "function_call_output", "call_id": call_id, "output": output, **fields}
        return self.client("conversation.item.create", item=item)

    def sounds(self, seconds):
        """Sound goes out, if she is allowed to sound."""
        for generation, reply in self.replies.items():
            samples = min(round(seconds * RATE), reply.length - reply.at)
            if not reply.committed or reply.paused or samples <= 0 or reply.written:
                continue
            pcm = bytes(2 * round(samples * self.wire.output_rate / RATE))
            self.sent.append(self.wire.sound(generation, reply.at, pcm))
            reply.at += samples
            if not reply.audible:
                reply.audible = True
                self.tell(PlayoutStarted(generation, self.now, self.now))
            break
        return self

    def ends(self):
        """The rest of what she says is played, to its end."""
        generation = next((g for g, reply in self.replies.items() if reply.committed), None)
        if generation is not None and not self.replies[generation].paused:
            self.writes(generation=generation).sounds(60.0)
            if generation in self.replies:
                at = self.replies[generation].at
                self.tell(PlayoutFinished(generation, self.now, at, self.now))
        return self

    # The client

    def client(self, kind, **fields):
        return self.message({"type": kind, **fields})

    def message(self, message):
        """What the connection does with a client's message; the answers are a batch of their own."""
        wishes, answers = self.wire.said(message, self.now)
        self.sent.append(answers)
        self.wishes += wishes
        for wish in wishes:
            if isinstance(wish, Happening):
                self.tell(wish)
            elif isinstance(wish, SessionChanged):
                self.manners.usual = self.wire.manner
            elif isinstance(wish, CancelAside):
                self.sent.append(self.wire.asides.over("cancelled"))
            elif isinstance(wish, OnceLike):
                self.manners.once = wish.manner
        return self

    def types_message(self, text, **response):
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return self.client("conversation.item.create", item=item).client("response.create", **response)

    def extended(self, *extensions):
        """The client asks for extensions, by default for all."""
        from pipelines.server.realtime.schema import EXTENSIONS

        wished = {"type": "realtime", "extensions": list(extensions or EXTENSIONS)}
        return self.client("session.update", session=wished)


def of(talk, kind):
    return [event for event in talk.events if event["type"] == kind]


def only(talk, kind):
    (event,) = of(talk, kind)
    return event


__all__ = ["OFFSET", "PHRASE", "RATE", "REPLY", "WORD", "Decision", "Talk", "counting", "of", "only", "timed"]
