"""The book of turns: every turn that began ends in exactly one told ledger, and the book can be written again."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table import Table
from turn_events import EVENTS, SETTINGS, Ears, drive

from pipelines.conversation.book import TurnBook
from pipelines.conversation.events import GenerationOver, Happening, Marked, PlayoutStarted
from pipelines.simulation.exact import Says, SimulatedMind, SimulatedRecognizer
from pipelines.takes.reader import ledgers, read_events
from pipelines.takes.writer import TakeWriter
from pipelines.telemetry.ledger import Count, Outcome
from pipelines.virtual_time import run
from sophia.decisions import Announce, Begin, Commit, Drop, Farewell, Interrupt, Notify, Reopen, Reprompt, Say, Start
from sophia.events import Stopped
from sophia.playout_events import PlayoutFinished
from sophia.turns import TurnTaking
from sophia.vad import VoiceStarted, VoiceStopped


class Pen:
    """Turn taking and the book, with a reply's own events made up as the replies would tell them."""

    def __init__(self, chosen=None):
        self.turns = TurnTaking(chosen)
        self.book = TurnBook()
        self.told: list[Happening] = []
        self.ended = []
        self.alive = set()

    def tell(self, event):
        decisions = self.turns.tell(event)
        over = []
        for happening in (event, *decisions):
            self._write(happening)
            match happening:
                case (
                    Start(generation=generation)
                    | Reprompt(generation=generation)
                    | Announce(generation=generation)
                    | Notify(generation=generation)
                    | Farewell(generation=generation)
                    | Say(generation=generation)
                ):
                    self.alive.add(generation)
                case (
                    Drop(generation=generation)
                    | Interrupt(generation=generation)
                    | Reopen(generation=generation)
                    | PlayoutFinished(generation=generation)
                ) if generation in self.alive:
                    self.alive.discard(generation)
                    over.append(GenerationOver(at=event.at, generation=generation, text="Well.", tokens=1, seconds=0.4))
        for happening in over:
            self._write(happening)
        return decisions

    def _write(self, happening):
        self.told.append(happening)
        self.ended += self.book.tell(happening)


@settings(max_examples=300)
@given(SETTINGS, EVENTS, st.booleans())
def test_every_turn_that_began_ends_in_exactly_one_told_ledger(chosen, events, timed):
    pen = Pen(chosen)
    now = drive(pen, events, Ears(timed))
    pen.tell(Stopped(at=now))
    begun = [happening.turn for happening in pen.told if isinstance(happening, Begin)]
    assert sorted(ledger.turn for ledger in pen.ended) == begun
    assert pen.book.open == 0
    for ledger in pen.ended:
        assert ledger.outcome is not None
        its_instants_are_its_own(ledger, pen.told)
        parts = ledger.contributions()
        assert not parts or sum(parts.values()) == pytest.approx(ledger.voice_to_voice, abs=1e-9)
    again = TurnBook()
    assert [ledger.as_dict() for happening in pen.told for ledger in again.tell(happening)] == [
        ledger.as_dict() for ledger in pen.ended
    ]


def its_instants_are_its_own(ledger, told):
    """Nothing is before the turn began or after it was over, and what follows from another comes after it."""
    (begin,) = [h for h in told if isinstance(h, Begin) and h.turn == ledger.turn]
    marks, since = ledger.marks, begin.at if begin.onset is None else begin.onset
    assert all(since <= at <= marks["end"] for at in marks.values()), (since, marks)
    for chain in (("voice_start", "voice_end", "captured"), ("transcript", "started", "released", "played")):
        times = [marks[name] for name in chain if name in marks]
        assert times == sorted(times), marks
    voices = [(h.time, type(h)) for h in told if isinstance(h, VoiceStarted | VoiceStopped)]
    if "voice_end" in marks and begin.onset is not None:  # the voice that ended had begun in this turn
        before = [at for at, kind in voices if kind is VoiceStarted and at <= marks["voice_end"]]
        assert before[-1] >= since


ORDER = Says(1.0, "where is my order")


def recorded(tmp_path, table):
    """The table's conversation as a take."""

    class Recorded(type(table.notes)):
        take = None

        def told(self, happening):
            super().told(happening)
            self.take.told(happening)

    async def talk():
        import asyncio

        table.notes = Recorded()
        table.notes.take = TakeWriter(tmp_path / "take", {}, start=asyncio.get_running_loop().time(), reply_rate=24_000)
        await table._talk()

    run(talk())
    table.notes.take._waiting.put(None)  # the writer is a real thread; the loop that could wait for it is over
    table.notes.take._thread.join(30)
    return tmp_path / "take"


class Gone(SimulatedMind):
    """Fails in the middle of its first answer, and when it is asked again."""

    async def reply(self, messages, *offered):
        first = len(self.calls) < 2
        async for token in super().reply(messages, *offered):
            yield token
            if first:
                raise RuntimeError("the model ran out of memory")


def test_the_ledgers_of_a_take_computed_again_are_the_same_to_the_byte(tmp_path):
    script = [
        ORDER,
        Says(14.0, "give me the red one and"),
        Says(15.0, "the blue one"),
        Says(20.0, "mhm", seconds=0.3),
        Says(24.0, "no stop that"),
        Says(40.0, "", seconds=0.9),
        Says(52.0, "tell me", seconds=0.4),
        Says(53.4, "a story"),
    ]
    table = Table(script, seconds=70, make_mind=Gone, face=True)
    folder = recorded(tmp_path, table)
    written = (folder / "turns.jsonl").read_text().splitlines()
    assert [json.dumps(ledger.as_dict(), ensure_ascii=False) for ledger in ledgers(folder)] == written
    outcomes = [json.loads(line)["outcome"] for line in written]
    assert {"replied", "interrupted", "reprompted", "dropped", "failed"} <= set(outcomes)
    assert any(json.loads(line)["faults"] for line in written)


def test_the_record_does_not_depend_on_who_watches(tmp_path):
    watched, alone = Table([ORDER], seconds=20), Table([ORDER], seconds=20)
    first = [ledger.as_dict() for ledger in watched.talk().ledgers]
    folder = recorded(tmp_path, alone)
    assert [json.loads(line) for line in (folder / "turns.jsonl").read_text().splitlines()] == first


def test_events_of_a_take_are_the_ones_that_were_told(tmp_path):
    table = Table([ORDER], seconds=20)
    folder = recorded(tmp_path, table)
    kinds = [type(event) for event in read_events(folder)]
    assert kinds == [type(event) for event in table.notes.happened if type(event) in set(kinds)]
    assert {Begin, Start, Commit, Marked, PlayoutStarted, GenerationOver} <= set(kinds)


def test_a_guess_for_words_that_came_to_nothing_is_wasted_and_told():
    class Mistaken(SimulatedRecognizer):
        """A first pass that hears words, a last one that hears none."""

        def push(self, frame):
            from sophia.transcripts import Transcript

            if not self._user.ended_in(frame):
                return
            self._loop.call_later(0.06, self._queue.put_nowait, Transcript("blue shoes", stability=1.0))
            self._loop.call_later(0.4, self._queue.put_nowait, Transcript("", final=True))

    notes = Table([Says(1.0, "?", seconds=0.3)], seconds=10, make_recognizer=Mistaken).talk()
    (ledger,) = notes.ledgers
    assert ledger.outcome is Outcome.DROPPED
    assert ledger.counts[Count.SPECULATIONS_DROPPED] == 1
    assert ledger.counts[Count.WASTED_TOKENS] > 0
    assert ledger.decisions[-1].kind == "dismiss"


def test_a_cough_is_a_turn_that_comes_to_nothing():
    notes = Table([Says(1.0, "", seconds=0.1), Says(4.0, "where is my order")], seconds=20).talk()
    cough, order = notes.ledgers
    assert (cough.turn, cough.outcome) == (1, Outcome.DROPPED)
    assert (order.turn, order.outcome) == (2, Outcome.REPLIED)
    assert order.voice_to_voice < 1


def test_the_rest_of_a_sentence_is_joined_to_its_turn():
    notes = Table([ORDER, Says(2.3, "for the shoes")], seconds=24).talk()
    rest, whole = notes.ledgers
    assert (rest.turn, rest.outcome) == (2, Outcome.JOINED)
    assert (whole.turn, whole.outcome) == (1, Outcome.REPLIED)
    assert whole.marks["voice_end"] == pytest.approx(notes.start + 2.9, abs=0.05)
