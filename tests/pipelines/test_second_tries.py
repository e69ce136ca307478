"""What is away for a moment is tried again before she apologises, and what the voice cannot say is left out."""

import asyncio

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table import REPLY, TOKENS, Table

from nova.errors import BrokenOff, MindTimeout, ModelError, Overloaded
from pipelines.conversation.events import ClauseSkipped, Retrying
from pipelines.conversation.patience import FIRST_WAIT, LONGEST_WAIT, Patience, is_passing
from pipelines.simulation.exact import Delays, Says, SimulatedFace, SimulatedMind, SimulatedVoice
from pipelines.telemetry.ledger import Outcome
from pipelines.terminal.display import SilentDisplay
from pipelines.terminal.observer import Shown
from sophia.decisions import Apologise, Drop, Reopen
from sophia.synthesis import VoiceError, VoiceSilent
from sophia.turn_settings import TurnSettings

ORDER = Says(1.0, "where is my order")
AGAIN = Says(22.0, "where is my order")


def rpc(code, words=""):
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), words)


AWAY = rpc(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; Connection refused")
KILLED = rpc(grpc.StatusCode.UNAVAILABLE, "Cancelling all calls")
REFUSED = rpc(grpc.StatusCode.INVALID_ARGUMENT, "text has no characters that this voice can say")


class Outages:
    """Seconds, from the first call on, in which a service is away."""

    spans = ()

    def check(self):
        now = asyncio.get_running_loop().time()
        self.first = getattr(self, "first", now)
        if any(begin <= now - self.first < end for begin, end in self.spans):
            raise AWAY


def mind(*spans):
    """A mind that refuses calls while it is away."""

    class Restarted(Outages, SimulatedMind):
        async def reply(self, messages, *offered):
            self.check()
            async for token in super().reply(messages, *offered):
                yield token

    Restarted.spans = spans
    return Restarted


def voice(*spans, refuses=(), error=REFUSED):
    """A voice that refuses clauses while it is away, and the clauses ``refuses`` whenever."""

    class Restarted(Outages, SimulatedVoice):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.said = []

        async def speak(self, clauses):
            async for chunk in super().speak(clauses):
                if not self.said or chunk.text != self.said[-1]:
                    self.check()
                    if chunk.text in refuses:
                        raise error
                    self.said.append(chunk.text)
                yield chunk

    Restarted.spans = spans
    return Restarted


def of_kind(notes, kind):
    return [happening for happening in notes.happened if isinstance(happening, kind)]


def clauses():
    """The clauses of the usual reply."""
    table = Table([ORDER], seconds=20, make_voice=voice())
    table.talk()
    return table.voice.said


@given(seconds=st.floats(0.01, 60.0), calls=st.floats(0.0, 3.0))
def test_patience_is_bounded_and_waits_longer_and_longer(seconds, calls):
    patience, now, waits = Patience(seconds), 100.0, []
    while (wait := patience.wait(now)) is not None:
        waits.append(wait)
        now += wait + calls
    assert sum(waits) <= seconds + 1e-9
    assert now <= 100.0 + seconds + calls + 1e-9
    assert all(0 < wait <= LONGEST_WAIT for wait in waits)
    assert waits[:-1] == sorted(waits[:-1])
    patience.relax()
    assert patience.wait(now, asked=seconds * 1.01) is None
    assert patience.wait(now, asked=seconds * 0.9) == pytest.approx(max(seconds * 0.9, min(2 * FIRST_WAIT, seconds)))
    patience.relax()
    assert patience.wait(now + 1000) == pytest.approx(min(FIRST_WAIT, seconds))


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (AWAY, True), (KILLED, True), (rpc(grpc.StatusCode.CANCELLED), True),
        (rpc(grpc.StatusCode.RESOURCE_EXHAUSTED, "no more sessions"), True),
        (ConnectionRefusedError(111, "Connection refused"), True), (ConnectionResetError(104, "reset"), True),
        (Overloaded("HTTP 503"), True), (BrokenOff("it ended early"), True),
        (REFUSED, False), (rpc(grpc.StatusCode.DEADLINE_EXCEEDED), False), (rpc(grpc.StatusCode.NOT_FOUND), False),
        (rpc(grpc.StatusCode.UNAUTHENTICATED), False), (ModelError("CUDA out of memory"), False),
        (MindTimeout("no token"), False), (VoiceSilent("it did not begin"), False),
        (rpc(grpc.StatusCode.UNAVAILABLE, "CERTIFICATE_VERIFY_FAILED: certificate has expired"), False),
    ],
)  # fmt: skip
def test_only_what_may_be_over_in_a_moment_is_tried_again(error, passes):
    assert is_passing(error, "llm") is passes


# The model


def test_a_model_that_is_restarted_is_waited_for():
    notes = Table([ORDER], seconds=20, make_mind=mind((0.0, 1.4))).talk()
    (ledger,) = notes.turns
    assert (ledger.outcome, ledger.faults) == (Outcome.REPLIED, [])
    assert ledger.heard.split() == REPLY.split()
    assert [event.service for event in of_kind(notes, Retrying)] == ["llm"] * 4  # at 0, 0.1, 0.3 and 0.7 s
    assert ledger.voice_to_voice < 2.5


@pytest.mark.parametrize("patience", [0.0, 1.0, 4.0])
def test_a_model_that_stays_away_is_apologised_for_when_the_patience_is_over(patience):
    table = Table([ORDER, AGAIN], seconds=40, make_mind=mind((0.0, 15.0)), settings=TurnSettings(patience=patience))
    first, second = table.talk().turns
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.REPLIED)
    assert patience < first.voice_to_voice < patience + 0.5


def failing(times, after, error):
    """A mind whose first calls break off after so many words."""

    class Failing(SimulatedMind):
        async def reply(self, messages, *offered):
            number, count = len(self.calls), 0
            async for token in super().reply(messages, *offered):
                if number < times and count == after:
                    raise error
                count += 1
                yield token

    return Failing


@pytest.mark.parametrize("after", [0, 1, 5])
@pytest.mark.parametrize("error", [ModelError("CUDA out of memory"), KILLED])
def test_a_guess_that_failed_is_made_again_at_the_commit(after, error):
    slow_to_end = TurnSettings(pause_complete=1.5, pause_open=1.5)
    table = Table([ORDER], seconds=20, settings=slow_to_end, make_mind=failing(1, after, error))
    (ledger,) = table.talk().turns
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.heard.split() == REPLY.split()
    assert len(table.mind.calls) == 2
    assert table.mind.calls[0] == table.mind.calls[1]
    assert "apologise" not in [decision.kind for decision in ledger.decisions]
    assert [(m.role, m.content) for m in table.history.messages()[1:]] == [
        ("user", "where is my order"),
        ("assistant", ledger.heard),
    ]


@pytest.mark.parametrize(("times", "outcome"), [(1, Outcome.REPLIED), (2, Outcome.FAILED)])
def test_a_decided_reply_that_broke_off_unheard_is_made_again_once(times, outcome):
    table = Table(
        [ORDER], seconds=20, make_mind=failing(times, 2, KILLED), delays=Delays(first_sound=0.8),
        settings=TurnSettings(speculate=False),
    )  # fmt: skip
    (ledger,) = table.talk().turns
    assert ledger.outcome is outcome
    assert len(table.mind.calls) == 2


def test_a_reply_of_which_something_was_heard_is_not_made_again():
    table = Table([ORDER], seconds=20, make_mind=failing(9, 25, KILLED))
    (ledger,) = table.talk().turns
    assert ledger.outcome is Outcome.BROKEN
    assert len(table.mind.calls) == 1


def test_a_model_that_answers_with_an_error_is_not_waited_for():
    table = Table([ORDER], seconds=20, make_mind=failing(9, 0, ModelError("CUDA out of memory")))
    notes = table.talk()
    assert notes.turns[0].outcome is Outcome.FAILED
    assert of_kind(notes, Retrying) == []
    assert notes.turns[0].voice_to_voice < 1.0


def test_who_goes_on_while_the_model_is_away_is_answered_once_it_is_back():
    table = Table(
        [ORDER, Says(3.0, "and where is the other one")], seconds=30, make_mind=mind((0.0, 3.0)),
        settings=TurnSettings(patience=10),
    )  # fmt: skip
    notes = table.talk()
    assert [ledger.outcome for ledger in notes.turns] == [Outcome.REPLIED]
    assert notes.turns[0].user == "where is my order and where is the other one"
    assert of_kind(notes, Apologise) == []
    assert table.mind.open == table.voice.open == 0


# The voice


@pytest.mark.parametrize("clause", range(4))
def test_a_voice_that_is_restarted_says_each_clause_once(clause):
    said = clauses()
    table = Table([ORDER], seconds=30, face=True)
    begun = Table([ORDER], seconds=30, make_voice=voice())
    begun.talk()

    class Restarted(voice()):
        down_until = None

        def check(self):
            now = asyncio.get_running_loop().time()
            if len(self.said) == clause and self.down_until is None:
                self.down_until = now + 1.5
            if self.down_until is not None and now < self.down_until:
                raise AWAY

    table.make_voice = Restarted
    notes = table.talk()
    (ledger,) = notes.turns
    assert (ledger.outcome, [fault for fault in ledger.faults if fault.service == "tts"]) == (Outcome.REPLIED, [])
    assert table.voice.said == said
    assert ledger.heard.split() == REPLY.split()
    assert {event.service for event in of_kind(notes, Retrying)} == {"tts"}


def test_a_clause_that_was_heard_in_part_is_not_said_again():
    class Dying(SimulatedVoice):
        asked = 0

        async def speak(self, clauses):
            Dying.asked += 1
            count = 0
            async for chunk in super().speak(clauses):
                count += 1
                if count == 30:
                    await asyncio.sleep(3)
                    raise KILLED
                yield chunk

    (ledger,) = Table([ORDER], seconds=20, make_voice=Dying).talk().turns
    assert ledger.outcome is Outcome.BROKEN
    assert Dying.asked == 1
    assert ledger.heard.startswith("Thanks for waiting")
    assert ledger.heard.endswith("Sorry, I lost my voice for a moment.")


@settings(max_examples=40, deadline=None)
@given(
    llm=st.lists(st.tuples(st.floats(0.0, 4.0), st.floats(0.0, 2.5)), max_size=2),
    tts=st.lists(st.tuples(st.floats(0.0, 12.0), st.floats(0.0, 2.5)), max_size=3),
)
def test_short_outages_are_no_apologies_and_cost_no_word(llm, tts):
    def spans(outages):
        return [(begin, begin + length) for begin, length in outages]

    table = Table(
        [ORDER], seconds=60, make_mind=mind(*spans(llm)), make_voice=voice(*spans(tts)),
        settings=TurnSettings(patience=12),
    )  # fmt: skip
    notes = table.talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.heard.split() == REPLY.split()
    assert of_kind(notes, Apologise) == []
    dropped = {decision.generation for decision in notes.decisions if isinstance(decision, Drop | Reopen)}
    assert len(ledger.generations) == len(dropped) + 1


# What cannot be said


@settings(max_examples=25, deadline=None)
@given(
    which=st.sets(st.integers(0, 3)),
    error=st.sampled_from([REFUSED, VoiceError("the voice said nothing"), rpc(grpc.StatusCode.INTERNAL, "vocoder")]),
    face=st.booleans(),
)
def test_a_clause_that_cannot_be_said_is_left_out_and_told_once(which, error, face):
    said = clauses()
    which &= set(range(len(said)))
    refused = [said[at] for at in sorted(which)]
    table = Table([ORDER], seconds=30, make_voice=voice(refuses=refused, error=error), face=face)
    notes = table.talk()
    (ledger,) = notes.turns
    assert [event.text for event in of_kind(notes, ClauseSkipped)] == ledger.skipped == refused
    rest = [clause for clause in said if clause not in refused]
    if not rest:
        assert ledger.outcome is Outcome.FAILED
        assert [decision.phrase for decision in notes.decisions if isinstance(decision, Apologise)] == ["tts"]
        return
    assert ledger.outcome is Outcome.REPLIED
    assert of_kind(notes, Apologise) == []
    assert [fault.service for fault in ledger.faults] == ["tts"] * bool(refused)
    assert ledger.heard.split() == " ".join(rest).split()
    assert ledger.reply.split() == REPLY.split()
    assert table.history.messages()[-1].content == ledger.heard


@pytest.mark.parametrize("error", [VoiceSilent("it did not begin within 5 s"), rpc(grpc.StatusCode.UNAUTHENTICATED)])
def test_a_voice_that_hangs_or_locks_us_out_is_at_fault_at_once(error):
    said = clauses()
    (ledger,) = Table([ORDER], seconds=30, make_voice=voice(refuses=said[1:2], error=error)).talk().turns
    assert ledger.outcome is Outcome.BROKEN
    assert ledger.skipped == []


def test_a_guess_that_was_dropped_leaves_no_clause_behind():
    said = clauses()
    table = Table(
        [ORDER, Says(1.75, "or the other one")], seconds=30, stable_first=0.3, make_voice=voice(refuses=said[:1])
    )
    (ledger,) = table.talk().turns
    assert ledger.skipped == said[:1]


def test_the_face_follows_the_sound_over_what_was_left_out():
    said = clauses()
    table = Table([ORDER], seconds=30, make_voice=voice(refuses=said[1:2]), make_face=SimulatedFace)
    (ledger,) = table.talk().turns
    assert ledger.face_missing < 0.01
    assert abs(ledger.lip_skew) < 0.05


def test_the_usual_reply_has_clauses_enough():
    assert len(clauses()) >= 4
    assert " ".join(clauses()).split() == "".join(TOKENS).split()


class Seen(SilentDisplay):
    """What a user sees."""

    def __init__(self):
        self.notices, self.errors, self.reach = [], [], []

    def notice(self, line):
        self.notices.append(line)

    def error(self, failure_line, hint=""):
        self.errors.append(failure_line)

    def reply(self, text_so_far, heard_chars):
        self.reach.append(text_so_far[:heard_chars])


def test_what_is_left_out_is_shown_and_the_caption_goes_on_behind_it():
    said, seen = clauses(), Seen()
    table = Table([ORDER], seconds=30, make_voice=voice(refuses=said[1:2]), observers=[Shown(seen, {})])
    table.talk()
    assert seen.errors == []
    (line,) = seen.notices
    assert line.startswith(f"Left out, for the voice cannot say it: “{said[1]}”. The tts refused the request")
    assert said[-1].split()[-2] in seen.reach[-1]
    assert said[1] in seen.reach[-1]


def test_a_guess_that_failed_is_a_notice_and_no_error():
    seen = Seen()
    table = Table([ORDER], seconds=30, make_mind=failing(1, 1, ModelError("CUDA")), observers=[Shown(seen, {})])
    (ledger,) = table.talk().turns
    assert ledger.outcome is Outcome.REPLIED
    assert (seen.errors, seen.notices) == ([], ["CUDA. Trying again."])
