"""Services that fail in mid-turn: one typed fault each, an apology where a voice is left, and on it goes."""

import asyncio

import pytest
from table import TOKENS, Table

from pipelines.simulation.exact import Says, SimulatedFace, SimulatedMind, SimulatedRecognizer, SimulatedVoice
from pipelines.telemetry.ledger import Outcome
from sophia.sinks import NullSink, SinkError, SinkStalled

ORDER = Says(1.0, "where is my order")
AGAIN = Says(14.0, "where is my order")


class Broken(Exception):
    """What a service says when it breaks."""


def failing_first(base, after, times=1):
    """A service whose first calls break after so many items."""

    class Failing(base):
        calls_made = 0

        async def reply(self, messages, *offered):
            self.calls_made += 1
            count = 0
            async for token in super().reply(messages, *offered):
                if self.calls_made <= times and count == after:
                    raise Broken("the model ran out of memory")
                count += 1
                yield token

        async def speak(self, clauses):
            self.calls_made += 1
            first = self.calls_made <= times
            async for chunk in super().speak(clauses):
                if first and chunk.clause == after:
                    raise Broken("the voice broke")
                yield chunk

    return Failing


def test_a_mind_that_fails_before_a_word_is_apologised_for_and_the_next_turn_works():
    table = Table([ORDER, AGAIN], seconds=30, make_mind=failing_first(SimulatedMind, 0, times=2))
    notes = table.talk()
    assert [ledger.outcome for ledger in notes.turns] == [Outcome.FAILED, Outcome.REPLIED]
    assert notes.turns[0].faults[0].service == "llm"
    assert "memory" in notes.turns[0].faults[0].line
    assert notes.sounding(1.6, 5) > 1  # the apology


def test_a_mind_that_fails_in_the_middle_is_heard_up_to_there_and_apologised_for():
    table = Table([ORDER], seconds=20, make_mind=failing_first(SimulatedMind, 20))
    (ledger,) = table.talk().turns
    assert ledger.outcome is Outcome.BROKEN
    assert ledger.faults[0].service == "llm"
    assert ledger.heard.startswith("Thanks for waiting")
    assert ledger.heard.endswith("Sorry, I can't think straight right now.")


def test_a_voice_that_fails_in_the_third_clause_keeps_the_first_two():
    table = Table([ORDER, AGAIN], seconds=34, make_voice=failing_first(SimulatedVoice, 2))
    first, second = table.talk().turns
    assert first.faults[0].service == "tts"
    assert first.heard
    assert len(first.heard) < len(first.reply or "".join(TOKENS))
    assert second.outcome is Outcome.REPLIED
    assert table.mind.open == 0


def test_a_mind_that_hangs_without_a_word_does_not_hang_the_conversation():
    class Hanging(SimulatedMind):
        async def reply(self, messages, *offered):
            self.calls.append(list(messages))
            if len(self.calls) == 1:
                await asyncio.sleep(3)
                raise TimeoutError("no token within 3 s")
            async for token in super().reply(messages, *offered):
                yield token

    first, second = Table([ORDER, AGAIN], seconds=30, make_mind=Hanging).talk().turns
    assert first.outcome is Outcome.FAILED
    assert second.outcome is Outcome.REPLIED


def test_a_mind_without_a_word_to_say_is_a_fault_not_a_silence():
    table = Table([ORDER], seconds=12, tokens=[])
    notes = table.talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.FAILED
    assert notes.sounding(1.6, 5) > 1


@pytest.mark.parametrize("when", ["at once", "later", "slow"])
def test_without_a_face_the_voice_goes_on_and_the_ledger_says_so(when):
    class Faceless(SimulatedFace):
        async def animate(self, sound, rate, moods=None):
            if when == "slow":
                await asyncio.sleep(3600)
            if when == "later":
                await anext(aiter(sound))
            raise Broken("STATUS_ERROR")
            yield

    (ledger,) = Table([ORDER], seconds=20, make_face=Faceless).talk().turns
    assert ledger.outcome is Outcome.REPLIED
    assert [fault.service for fault in ledger.faults] == ["face"]


def test_ears_lost_for_good_are_told_spoken_and_raised():
    class Deaf(SimulatedRecognizer):
        async def transcripts(self):
            await asyncio.sleep(2)
            raise Broken("the recogniser is gone")
            yield

    table = Table([ORDER], seconds=30, make_recognizer=Deaf)
    notes = table.talk()
    assert table.error.service == "asr"
    assert notes.sounding(2, 6) > 1
    assert notes.faults[0][0] == "asr"


def test_a_microphone_that_is_unplugged_ends_the_conversation_and_closes_its_turn():
    table = Table([ORDER], seconds=30)
    notes = table.notes

    class Unplugged(Broken):
        pass

    async def main():
        task = asyncio.create_task(table._talk())
        await asyncio.sleep(0)
        await asyncio.sleep(4.0)
        task_of_source = table.user

        def broken(start):
            raise Unplugged("the microphone is gone")

        task_of_source._sound = broken
        await task

    from pipelines.virtual_time import run

    run(main())
    assert table.error.service == "microphone"
    assert [ledger.outcome for ledger in notes.turns] == [Outcome.INTERRUPTED]


def test_a_sink_that_stalls_ends_the_conversation_with_its_name():
    class Stalling(NullSink):
        async def run(self, playout):
            await playout.wanted()
            await asyncio.sleep(1)
            raise SinkStalled("the loudspeaker takes no samples")

    table = Table([ORDER], seconds=30, make_sink=Stalling)
    table.talk()
    assert table.error.service == "speaker"
    assert isinstance(table.error.cause, SinkError)
    assert table.mind.open == table.voice.open == 0


def test_a_voice_that_fails_is_the_only_fault_and_the_face_moves_with_what_was_said():
    class SlowFace(SimulatedFace):
        async def animate(self, sound, rate, moods=None):
            await asyncio.sleep(0.5)  # longer than the voice takes to break
            async for frame in super().animate(sound, rate, moods):
                yield frame

    table = Table([ORDER], seconds=20, make_voice=failing_first(SimulatedVoice, 1), make_face=SlowFace)
    (ledger,) = table.talk().turns
    assert [fault.service for fault in ledger.faults] == ["tts"]
    assert "first_frame" in ledger.marks
    assert table.notes.sounding(1, 20) > 3  # the first clause and the apology
