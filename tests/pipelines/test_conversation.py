"""Conversations from the first frame to the last sample, on the virtual clock, with simulated services."""

import asyncio

import pytest
from table import REPLY, Notes, Table

from pipelines.conversation.events import HeardSoFar, Levels
from pipelines.simulation.exact import (
    Delays,
    OracleDetector,
    Says,
    SimulatedFace,
    SimulatedMind,
    SimulatedRecognizer,
    SimulatedUser,
)
from pipelines.telemetry.ledger import Count, Outcome
from pipelines.virtual_time import run
from sophia.sinks import NullSink
from sophia.turn_settings import TurnSettings
from sophia.vad import VoiceStarted

ORDER = Says(1.0, "where is my order")
IDEAL = 0.060 + 0.120 + 5 * 0.015 + 0.080  # recogniser, first token, five more to the first clause, first sound


def test_a_turn_from_the_first_frame_to_the_last_sample():
    table = Table([ORDER], seconds=20)
    notes = table.talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.user == "where is my order"
    assert ledger.reply.split() == REPLY.split()
    assert ledger.heard.split() == REPLY.split()
    assert notes.finals == ["where is my order"]
    assert [m.content for m in table.history.messages()][1:] == ["where is my order", ledger.heard]
    assert table.error is None


def test_the_machinery_adds_next_to_nothing_and_the_ledger_adds_up():
    (ledger,) = Table([ORDER], seconds=20).talk().turns
    assert ledger.voice_to_voice == pytest.approx(IDEAL, abs=0.002)
    assert sum(ledger.contributions().values()) == pytest.approx(ledger.voice_to_voice, abs=1e-9)
    assert ledger.contributions()["asr"] == pytest.approx(0.060, abs=1e-3)
    assert ledger.contributions()["llm"] == pytest.approx(0.120, abs=1e-3)
    assert ledger.contributions()["hold"] == 0.0


def test_a_longer_pause_shows_as_hold_and_nowhere_else():
    (ledger,) = Table([ORDER], seconds=20, settings=TurnSettings(pause_complete=0.8)).talk().turns
    assert ledger.voice_to_voice == pytest.approx(0.8, abs=0.025)
    assert ledger.contributions()["hold"] == pytest.approx(0.8 - IDEAL, abs=0.025)


def test_nothing_is_heard_before_the_turn_is_decided():
    notes = Table([ORDER], seconds=20, settings=TurnSettings(pause_complete=2.0)).talk()
    assert notes.sounding(0, 1.6 + 2.0) == 0.0
    assert notes.sounding(1.6 + 2.0, 99) > 3


def test_a_conversation_of_two_turns_remembers_the_first():
    table = Table([ORDER, Says(16.0, "what did i just say")], seconds=34)
    notes = table.talk()
    assert [ledger.turn for ledger in notes.turns] == [1, 2]
    roles = [m.role for m in table.mind.calls[1]]
    assert roles == ["system", "user", "assistant", "user"]


# Barge-in


def test_barge_in_is_quick_and_the_history_holds_what_was_heard():
    table = Table([ORDER, Says(6.0, "no stop that")], seconds=24)
    notes = table.talk()
    first, second = notes.turns
    assert first.outcome is Outcome.INTERRUPTED
    assert first.barge_in_latency <= 0.2
    assert notes.sounding(6.2, 6.6) == 0.0
    assert 0 < len(first.heard) < len(first.reply)
    assert REPLY.startswith(first.heard.rstrip(" —"))
    assert second.user == "no stop that"
    said = next(m.content for m in table.mind.calls[1] if m.role == "assistant")
    assert said.startswith(first.heard)
    assert len(said) < len(REPLY)


def test_she_is_silenced_with_the_last_sample_that_is_not_zero():
    notes = Table([ORDER, Says(6.0, "no stop that")], seconds=24).talk()
    silenced = notes.turns[0].marks["silenced"]
    (time, pcm) = [block for block in notes.blocks if block[0] < silenced][-1]
    last = pcm.nonzero()[0][-1] + 1
    assert silenced == pytest.approx(time + last / (len(pcm) / 0.02), abs=1e-6)
    assert last < len(pcm) / 2  # a fade, not a whole block


def test_meters_are_read_only_where_somebody_shows_them():
    class Meters(Notes):
        def metered(self, reading):
            self.happened.append(reading)

    for notes, shown in ((Notes(), set()), (Meters(), {Levels, HeardSoFar})):
        Table([ORDER], seconds=8, notes=notes).talk()
        assert {type(one) for one in notes.happened} & {Levels, HeardSoFar} == shown


def test_meters_are_read_only_while_somebody_shows_them():
    class Meters(Notes):
        def metered(self, reading):
            self.happened.append(reading)

        @property
        def metering(self):
            return any(isinstance(one, VoiceStarted) for one in self.happened)

    notes = Table([ORDER], seconds=8, notes=Meters()).talk()
    read = [number for number, one in enumerate(notes.happened) if isinstance(one, Levels)]
    (heard,) = [number for number, one in enumerate(notes.happened) if isinstance(one, VoiceStarted)]
    assert read
    assert read[0] > heard


def test_barge_in_leaves_no_call_alive():
    table = Table([ORDER, Says(2.3, "no stop that now", seconds=1.0)], seconds=5, delays=Delays(token=0.2))
    table.settings = TurnSettings(reopen_window=0.0)
    seen = []

    class Mind(SimulatedMind):
        async def reply(self, messages, *offered):
            seen.append(self.open)
            async for token in super().reply(messages, *offered):
                yield token

    table.make_mind = Mind
    table.talk()
    assert seen == [0, 0]
    assert table.mind.open == 0
    assert table.voice.open == 0


def test_a_backchannel_pauses_her_at_most_and_she_goes_on_where_she_was():
    notes = Table([ORDER, Says(6.0, "mhm", seconds=0.3)], seconds=24).talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.counts[Count.BACKCHANNELS] == 1
    assert ledger.heard.split() == REPLY.split()


def test_a_cough_goes_by():
    notes = Table([ORDER, Says(6.0, "", seconds=0.1)], seconds=24).talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.counts[Count.RESUMES] == 0


@pytest.mark.parametrize("before", [1.0, 0.6, 0.4, 0.25, 0.1])
def test_a_yes_over_the_last_words_of_her_question_is_answered(before):
    (undisturbed,) = Table([ORDER], seconds=40).talk().turns
    end = undisturbed.marks["played"] + undisturbed.sound_seconds - 1.0  # the user's first frame is at 1.0
    table = Table([ORDER, Says(round(end - before, 2), "yes", seconds=0.35)], seconds=60)
    first, second = table.talk().turns
    assert first.heard.split() == REPLY.split()
    assert (second.user, second.outcome) == ("yes", Outcome.REPLIED)


@pytest.mark.parametrize("seconds", [0.7, 2.0, 10.0])
def test_a_voice_without_words_costs_her_no_word(seconds):
    notes = Table([ORDER, Says(6.0, "", seconds=seconds)], seconds=60).talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.heard.split() == REPLY.split()
    assert ledger.counts[Count.FALSE_INTERRUPTIONS] == 1


class Held(OracleDetector):
    """A detector that noise holds on from the first voice on."""

    def push(self, frame):
        if frame.pcm.any() and not self._speaking:
            self._speaking = True
            self._emit(VoiceStarted(frame.time, self._loop.time()))


def test_words_count_although_noise_holds_the_voice_detector():
    script = [ORDER, Says(6.0, "no stop that"), Says(9.0, "stop talking please")]
    notes = Table(script, seconds=40, detector=Held).talk()
    assert [ledger.user for ledger in notes.turns] == [says.text for says in script]
    assert [ledger.outcome for ledger in notes.turns[:2]] == [Outcome.INTERRUPTED] * 2


@pytest.mark.parametrize("late", [1.5, 2.5, 4.0])
def test_what_a_slow_recogniser_says_after_she_asked_again_is_answered(late):
    class Slow(SimulatedRecognizer):
        def __init__(self, user, delays, stable_first):
            super().__init__(user, Delays(final=late), stable_first)

    notes = Table([Says(1.0, "where is my order", seconds=0.8)], seconds=40, make_recognizer=Slow).talk()
    asked, order = notes.turns
    assert asked.outcome in (Outcome.REPROMPTED, Outcome.INTERRUPTED)
    assert (order.user, order.outcome) == ("where is my order", Outcome.REPLIED)


def test_a_cough_a_minute_ago_is_no_part_of_a_turns_time():
    class Deaf(OracleDetector):
        """Hears nothing after its first thirty seconds."""

        heard = 0

        def push(self, frame):
            self.heard += 1
            if self.heard < 50 * 30:
                super().push(frame)

    notes = Table([Says(1.0, "", seconds=0.1), Says(61.0, "where is my order")], seconds=90, detector=Deaf).talk()
    (ledger,) = notes.turns
    assert ledger.voice_to_voice < 1


# A turn decided too early


def test_a_false_cut_off_costs_a_syllable_and_both_pieces_become_one_turn():
    table = Table([ORDER, Says(2.3, "for the shoes")], seconds=24)
    notes = table.talk()
    (ledger,) = notes.turns
    assert ledger.counts[Count.FALSE_CUTOFFS] == 1
    assert ledger.user == "where is my order for the shoes"
    assert notes.sounding(1.9, 2.9) < 0.45
    assert [m.content for m in table.mind.calls[1]][1:] == ["where is my order for the shoes"]
    assert [m.role for m in table.history.messages()] == ["system", "user", "assistant"]


# Speculation


def test_a_wrong_guess_is_dropped_unheard_and_counted():
    table = Table([Says(1.0, "give me the red one and"), Says(2.0, "the blue one")], seconds=24)
    notes = table.talk()
    (ledger,) = notes.turns
    assert ledger.user == "give me the red one and the blue one"
    assert ledger.counts[Count.SPECULATIONS_DROPPED] == 1
    assert ledger.wasted_seconds >= 0
    assert notes.sounding(0, 2.6) == 0.0
    assert table.mind.open == 0


# Never silent


def test_speech_without_words_is_asked_about():
    notes = Table([Says(1.0, "", seconds=0.8)], seconds=12).talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.REPROMPTED
    assert notes.sounding(1.8, 4.5) > 1


# The face


def test_the_face_moves_with_what_is_heard():
    notes = Table([ORDER], seconds=20, face=True).talk()
    (ledger,) = notes.turns
    assert abs(ledger.lip_skew) <= 0.033
    jaws = [weights[17] for _, weights in notes.poses]
    assert max(jaws) > 0.4
    assert jaws[-1] < 0.05
    assert ledger.face_lateness < 0.05
    assert ledger.face_missing < 0.05
    assert ledger.faults == []


def test_a_face_that_stops_in_the_middle_is_a_fault_of_the_turn():
    class Stops(SimulatedFace):
        """Sends the frames of two seconds, and no more."""

        async def animate(self, sound, rate, moods=None):
            async for frame in super().animate(sound, rate, moods):
                if frame.time > 2.0:
                    return
                yield frame

    notes = Table([ORDER], seconds=20, make_face=Stops).talk()
    (ledger,) = notes.turns
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.face_missing == pytest.approx(1 - 2.0 / ledger.sound_seconds, abs=0.05)
    (fault,) = ledger.faults
    assert fault.service == "face"
    assert "no frame for" in fault.line


# Ending


def test_stop_ends_a_conversation_in_the_middle_of_a_reply():
    table = Table([ORDER], seconds=600)

    async def main():
        task = asyncio.create_task(table._talk())
        await asyncio.sleep(5.0)
        table.conversation.stop()
        started = asyncio.get_running_loop().time()
        await task
        return asyncio.get_running_loop().time() - started

    assert run(main()) < 2.0
    (ledger,) = table.notes.turns
    assert ledger.outcome is Outcome.INTERRUPTED
    assert table.mind.open == table.voice.open == 0


def closing_slowly(base, seconds):
    """A device that takes so long to close."""

    class Slow(base):
        async def frames(self):
            try:
                async for frame in super().frames():
                    yield frame
            finally:
                await asyncio.sleep(seconds)

        async def run(self, playout):
            try:
                await super().run(playout)
            finally:
                await asyncio.sleep(seconds)

    return Slow


@pytest.mark.parametrize("seconds", [0.5, 30.0])
@pytest.mark.parametrize("device", ["make_user", "make_sink"])
@pytest.mark.parametrize("when", [3.0, 3.3, 4.0, 4.45, 9.0])
def test_nothing_begins_after_stop_and_run_returns_whatever_a_device_does(seconds, device, when):
    table = Table([Says(1.0, "goodbye sophia and")], seconds=600, settings=TurnSettings(speculate=False))
    setattr(table, device, closing_slowly(SimulatedUser if device == "make_user" else NullSink, seconds))

    async def main():
        task = asyncio.create_task(table._talk())
        await asyncio.sleep(when)
        table.conversation.stop()
        started, told = asyncio.get_running_loop().time(), len(table.notes.decisions)
        await task
        return asyncio.get_running_loop().time() - started, told

    took, told = run(main())
    assert took < 2.0
    assert table.notes.decisions[told:] == []
    assert len(table.notes.ledgers) == 1


def test_a_user_who_says_nothing_gets_no_answer():
    assert Table([], seconds=5).talk().turns == []


def test_the_simulated_user_keeps_absolute_deadlines():
    async def main():
        user = SimulatedUser([ORDER], 2.0)
        return [(frame.time, asyncio.get_running_loop().time()) async for frame in user.frames()]

    for index, (time, arrived) in enumerate(run(main())):
        assert time == pytest.approx(index * 0.02)
        assert arrived == pytest.approx(time + 0.02)
