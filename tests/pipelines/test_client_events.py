"""What a client may tell a conversation: typed text, a commit, a cancellation, how much it has played, a hold."""

import asyncio

import pytest
from table import REPLY, Table

from nova.history import UNCLEAR
from pipelines.conversation.events import (
    AnswerRequested,
    CancelRequested,
    CommitRequested,
    GenerationOver,
    HoldEnded,
    HoldStarted,
    PlaybackAcknowledged,
    TextTyped,
)
from pipelines.conversation.observers import Observer
from pipelines.simulation.exact import Delays, Says, SimulatedMind, SimulatedRecognizer, SimulatedUser
from pipelines.telemetry.ledger import Outcome
from sophia.decisions import Commit, Refuse
from sophia.turn_settings import TurnSettings

ORDER = Says(1.0, "where is my order")


def talk(table, *events):
    """Holds the conversation; ``events`` are ``(seconds from the start, what to tell)``."""
    table.events = list(events)
    return table.talk()


def said(table):
    return [(message.role, message.content) for message in table.history.messages()][1:]


def test_a_typed_message_is_answered_without_a_voice():
    table = Table([], seconds=16)
    (ledger,) = talk(table, (1.0, lambda at: TextTyped(at=at, text="where is my order"))).turns
    assert (ledger.outcome, ledger.user) == (Outcome.REPLIED, "where is my order")
    assert ledger.voice_to_voice is None  # there was no voice to measure from
    assert ledger.marks["transcript"] == ledger.marks["decided"] == pytest.approx(table.notes.start + 1.0)
    assert ledger.marks["played"] - ledger.marks["decided"] == pytest.approx(0.275, abs=0.03)
    assert said(table) == [("user", "where is my order"), ("assistant", ledger.heard)]


def test_a_typed_message_stops_what_she_says_and_the_history_holds_what_was_heard():
    table = Table([ORDER], seconds=24)
    first, second = talk(table, (6.0, lambda at: TextTyped(at=at, text="stop"))).turns
    assert first.outcome is Outcome.INTERRUPTED
    assert first.barge_in_latency is None  # nobody's voice took the floor
    assert 0 < len(first.heard) < len(first.reply)
    assert second.user == "stop"
    assert [role for role, _ in said(table)] == ["user", "assistant", "user", "assistant"]


def test_a_client_that_commits_does_not_wait_for_the_pause():
    slow = TurnSettings(pause_complete=2.0, pause_open=2.0)
    table = Table([ORDER], seconds=20, settings=slow)
    (ledger,) = talk(table, (1.7, lambda at: CommitRequested(at=at))).turns
    assert ledger.voice_to_voice < 0.5
    assert Table([ORDER], seconds=20, settings=slow).talk().turns[0].voice_to_voice > 1.9


def test_a_client_asks_for_an_answer_although_nothing_new_was_said():
    table = Table([ORDER], seconds=32)
    first, second = talk(table, (19.0, lambda at: AnswerRequested(at=at))).turns
    assert (first.outcome, second.outcome) == (Outcome.REPLIED, Outcome.REPLIED)
    assert (second.user, second.voice_to_voice) == ("", None)
    assert table.mind.calls[-1][-1].content == UNCLEAR
    assert said(table)[-2:] == [("user", UNCLEAR), ("assistant", second.heard)]
    assert second.heard


def test_a_client_cancels_the_reply_and_the_conversation_goes_on():
    table = Table([ORDER, Says(10.0, "where is my order")], seconds=26)
    first, second = talk(table, (5.0, lambda at: CancelRequested(at=at))).turns
    assert (first.outcome, second.outcome) == (Outcome.INTERRUPTED, Outcome.REPLIED)
    assert table.notes.sounding(5.05, 10) == 0
    assert table.mind.open == table.voice.open == 0


def test_what_cannot_be_done_is_refused_with_a_reason_and_changes_nothing():
    table = Table([ORDER], seconds=20)
    notes = talk(table, (0.5, lambda at: CommitRequested(at=at)), (0.6, lambda at: CancelRequested(at=at)))
    refusals = [decision.reason for decision in notes.decisions if isinstance(decision, Refuse)]
    assert len(refusals) == 2
    assert "nothing to commit" in refusals[0]
    assert "no reply to cancel" in refusals[1]
    assert [ledger.outcome for ledger in notes.turns] == [Outcome.REPLIED]


def played(table, seconds, at):
    return PlaybackAcknowledged(at=at, generation=1, samples=round(seconds * table.voice.rate))


def test_what_a_client_has_not_played_was_not_heard():
    table = Table([ORDER, Says(6.0, "no stop that")], seconds=24)
    notes = talk(table, (5.9, lambda at: played(table, 1.2, at)))
    pulled = Table([ORDER, Says(6.0, "no stop that")], seconds=24).talk().turns[0].heard
    assert 0 < len(notes.turns[0].heard) < len(pulled)
    assert said(table)[1] == ("assistant", notes.turns[0].heard + " —")


def test_a_client_cannot_have_played_more_than_it_was_given():
    table = Table([ORDER, Says(6.0, "no stop that")], seconds=24)
    notes = talk(table, (5.9, lambda at: played(table, 999.0, at)))
    assert notes.turns[0].heard == Table([ORDER, Says(6.0, "no stop that")], seconds=24).talk().turns[0].heard


def test_a_client_that_tells_only_afterwards_corrects_the_history():
    table = Table([ORDER], seconds=40)
    (ledger,) = talk(table, (30.0, lambda at: played(table, 2.0, at))).turns
    assert ledger.heard.split() == REPLY.split()  # as far as anybody knew then
    ((_, asked), (_, heard)) = said(table)
    assert asked == "where is my order"
    assert REPLY.startswith(heard.removesuffix(" —"))
    assert len(heard) < len(REPLY) / 2


def test_a_client_that_plays_later_than_it_was_given_has_heard_all_in_the_end():
    table = Table([ORDER], seconds=40)
    (ledger,) = talk(table, (4.0, lambda at: played(table, 1.0, at))).turns
    assert len(ledger.heard) < len(REPLY)  # as far as anybody knew then
    assert said(table)[1] == ("assistant", ledger.heard + " —")
    late = Table([ORDER], seconds=40)
    lagging = [
        (at, lambda at, s=seconds: played(late, s, at)) for at, seconds in ((4.0, 1.0), (30.0, 2.0), (31.0, 999.0))
    ]
    talk(late, *lagging)
    ((_, _), (_, heard)) = said(late)
    assert heard.split() == REPLY.split()


def test_the_end_of_a_reply_that_is_on_its_way_to_the_client_counts_as_heard():
    began, lag = Table([ORDER], seconds=40).talk().turns[0].marks["played"], 0.4
    table = Table([ORDER], seconds=40)

    def report(at):
        return played(table, at - began - lag, at)

    (ledger,) = talk(table, *((2.5 + tenth / 10, report) for tenth in range(110))).turns
    assert ledger.marks["end"] - table.notes.start > 13.4  # later than the last report
    assert ledger.heard.split() == REPLY.split()
    assert said(table)[1][1].split() == REPLY.split()


@pytest.mark.parametrize(("short", "cut"), [(0.03, False), (0.2, True)])
def test_a_client_that_stops_a_few_milliseconds_short_has_played_it_all(short, cut):
    table = Table([ORDER], seconds=40)
    (ledger,) = talk(table, (30.0, lambda at: played(table, ledger_seconds(table) - short, at))).turns
    assert ledger.heard.split() == REPLY.split()
    assert said(table)[1][1].endswith(" —") is cut


def ledger_seconds(table):
    return table.notes.turns[0].sound_seconds


def test_a_reply_that_no_client_played_is_gone_from_the_history_until_one_does():
    table = Table([ORDER], seconds=40)
    talk(table, (30.0, lambda at: played(table, -1.0, at)))
    assert said(table) == [("user", "where is my order")]
    late = Table([ORDER], seconds=40)
    talk(late, (30.0, lambda at: played(late, -1.0, at)), (31.0, lambda at: played(late, 2.0, at)))
    assert said(late)[0] == ("user", "where is my order")
    assert REPLY.startswith(said(late)[1][1].removesuffix(" —"))


def test_a_turn_that_waits_for_a_tool_is_not_reopened_by_what_is_said_meanwhile():
    class Working(SimulatedMind):
        """Waits for a tool before it has anything to say."""

        async def reply(self, messages, *offered):
            if not self.calls:
                await asyncio.sleep(4)
            async for token in super().reply(messages, *offered):
                yield token

    table = Table([ORDER, Says(3.5, "is anybody there")], seconds=34, make_mind=Working)
    hold = (2.1, lambda at: HoldStarted(at=at, generation=1)), (5.5, lambda at: HoldEnded(at=at, generation=1))
    first, second = talk(table, *hold).turns
    assert (first.outcome, first.user) == (Outcome.INTERRUPTED, "where is my order")
    assert second.user == "is anybody there"
    free = Table([ORDER, Says(3.5, "is anybody there")], seconds=34, make_mind=Working).talk()
    assert [ledger.user for ledger in free.turns] == ["where is my order is anybody there"]


# Canned phrases, as heard


def test_an_apology_enters_the_history_as_heard():
    class Down(SimulatedMind):
        async def reply(self, messages, *offered):
            self.calls.append(list(messages))
            raise RuntimeError("away")
            yield

    table = Table([ORDER], seconds=14, make_mind=Down)
    (ledger,) = table.talk().turns
    assert ledger.outcome is Outcome.FAILED
    assert ledger.heard == "Sorry, I can't think straight right now."
    assert said(table) == [("user", "where is my order"), ("assistant", ledger.heard)]


def test_a_question_for_words_that_were_not_understood_enters_the_history():
    table = Table([Says(1.0, "", seconds=0.8)], seconds=14)
    (ledger,) = table.talk().turns
    assert ledger.heard == ledger.reply == "Sorry, I didn't catch that. Could you say it again?"
    assert said(table) == [("user", UNCLEAR), ("assistant", ledger.heard)]


def test_a_farewell_has_a_turn_and_a_generation_of_its_own():
    class Deaf(SimulatedRecognizer):
        async def transcripts(self):
            try:
                async with asyncio.timeout(21.1):
                    async for transcript in super().transcripts():
                        yield transcript
            except TimeoutError:
                raise RuntimeError("gone") from None

    table = Table([ORDER, Says(20.0, "", seconds=0.9)], seconds=60, make_recognizer=Deaf)
    notes = table.talk()
    assert table.error.service == "asr"
    assert [ledger.turn for ledger in notes.ledgers] == [1, 2, 3]
    farewell = notes.ledgers[-1]
    assert (farewell.outcome, farewell.heard) == (Outcome.FAILED, "Sorry, I can't hear you any more.")
    assert notes.sounding(21, 30) > 1
    assert said(table)[-1] == ("assistant", farewell.heard)


def test_nothing_begins_after_the_stop_however_long_the_end_takes():
    class SlowToClose(SimulatedUser):
        async def frames(self):
            asyncio.get_running_loop().call_later(2.6, table.conversation.stop)
            try:
                async for frame in super().frames():
                    yield frame
            finally:
                await asyncio.sleep(0.5)

    table = Table(
        [Says(1.0, "goodbye sophia and")], seconds=30, delays=Delays(first_token=4.0),
        settings=TurnSettings(speculate=False), make_user=SlowToClose,
    )  # fmt: skip
    table.talk()
    assert not [decision for decision in table.notes.decisions if isinstance(decision, Commit)]
    assert [ledger.outcome for ledger in table.notes.ledgers] == [Outcome.DROPPED]
    assert table.mind.calls == []


# Observers


def test_an_observer_that_fails_is_not_told_any_more_and_costs_nothing_else(caplog):
    class Broken(Observer):
        calls = 0

        def told(self, happening):
            self.calls += 1
            raise ValueError("I did not expect that")

    broken = Broken()
    (ledger,) = Table([ORDER], seconds=20, observers=[broken]).talk().turns
    assert ledger.outcome is Outcome.REPLIED
    assert broken.calls == 1
    assert "an observer failed and is not told any more" in caplog.text


def test_what_a_generation_was_is_told_once_when_it_is_over():
    notes = Table([Says(1.0, "give me the red one and"), Says(2.0, "the blue one")], seconds=24).talk()
    over = [happening for happening in notes.happened if isinstance(happening, GenerationOver)]
    assert [one.generation for one in over] == [1, 2]
    assert (over[0].heard, over[1].heard.split()) == ("", REPLY.split())
