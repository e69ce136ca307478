"""Whole talks on the virtual clock: what is said when, and what becomes of each line."""

import grpc
import pytest
from stagecraft import line, over, paused, perform, profile

from pipelines.scenarios.scenario import Cue


class TestAnswered:
    def test_latency_is_measured_from_sound_to_sound_and_the_stages_add_up(self):
        (turn,) = perform(line("time", expect="lighthouse")).turns
        assert turn.outcome == "answered"
        assert turn.heard == "what time is it"
        assert (turn.word_errors, turn.words) == (0, 4)
        assert turn.as_expected is True
        assert turn.voice_to_voice == pytest.approx(sum(turn.contributions.values()), abs=0.002)
        assert abs(turn.residue) < 0.002
        assert turn.contributions["llm"] == pytest.approx(0.120, abs=1e-6)
        assert turn.contributions["tts"] == pytest.approx(0.080, abs=1e-6)

    def test_a_reply_that_is_not_what_was_expected(self):
        (turn,) = perform(line("time", expect="o'clock")).turns
        assert turn.outcome == "answered"
        assert turn.as_expected is False

    def test_the_next_line_waits_for_the_reply_and_its_pause(self):
        one, two = perform(line("time"), line("say", cue=Cue("reply", 2.0))).turns
        assert one.outcome == two.outcome == "answered"
        reply_over = one.at + one.marks["end"]
        assert 2.0 <= two.at - reply_over <= 2.6  # the pause, and the quiet that ends a reply


class TestOverHerReply:
    def test_a_barge_in_stops_her_and_is_answered(self):
        one, two = perform(line("time"), over(1.5)).turns
        assert one.outcome == two.outcome == "answered"
        assert two.at - one.at == pytest.approx(one.voiced[1] + one.voice_to_voice + 1.5, abs=0.02)
        assert 0.05 < two.barge_in < 0.3
        assert two.voice_to_voice > 0
        assert abs(two.residue) < 0.002

    def test_a_backchannel_is_ignored(self):
        one, two = perform(line("time"), over(1.5, "time", text="yeah", cut=0.45, reaction="ignore")).turns
        assert (one.outcome, two.outcome) == ("answered", "ignored")
        assert two.barge_in is None

    def test_a_line_that_should_be_ignored_but_stops_her_is_disturbed(self):
        _, two = perform(line("time"), over(1.5, reaction="ignore")).turns
        assert two.outcome == "disturbed"
        assert two.reason

    def test_a_line_that_should_be_ignored_but_is_answered_is_disturbed(self):
        (turn,) = perform(line("time", reaction="ignore")).turns
        assert turn.outcome == "disturbed"

    def test_a_cue_that_comes_after_the_reply_is_over(self):
        _, two, three = perform(line("time"), over(60.0), line("say")).turns
        assert (two.outcome, two.reason) == ("missed", "her reply was over before")
        assert three.outcome == "answered"

    def test_no_reply_to_speak_over(self):
        def deaf(parts):
            parts.asr.push = lambda frame: None

        one, two = perform(line("time"), over(1.0), change=deaf, max_reprompts=0).turns
        assert (one.outcome, two.outcome) == ("missed", "missed")
        assert two.reason == "there was no reply to speak over"


class TestPausesAndOverlaps:
    def test_a_pause_that_is_taken_for_the_end_is_a_false_cutoff(self):
        (turn,) = perform(paused(pause=1.2)).turns
        assert turn.false_cutoffs >= 1

    def test_a_patient_loop_waits_through_the_pause(self):
        (turn,) = perform(paused(pause=0.6), pause_complete=1.0, pause_open=1.0).turns
        assert turn.outcome == "answered"
        assert turn.false_cutoffs == 0
        assert turn.heard == "tell me a story what time is it"
        assert turn.speculations_dropped >= 1

    def test_two_lines_without_a_gap_are_answered_as_one(self):
        one, two = perform(line("story"), line("time", cue=Cue("gap", 0.0))).turns
        assert (one.outcome, two.outcome) == ("joined", "answered")
        assert two.at - one.at == pytest.approx(one.seconds, abs=1e-4)

    def test_a_gap_below_zero_overlaps(self):
        one, two = perform(line("story"), line("time", cue=Cue("gap", -0.4))).turns
        assert two.at - one.at == pytest.approx(one.seconds - 0.4, abs=1e-4)


class Broken:
    """Raises what gRPC raises when a service has gone."""

    def __init__(self, part):
        self._part = part
        self.rate = getattr(part, "rate", 0)

    async def reply(self, messages, *offered):
        raise ConnectionError("the mind has gone")
        yield ""


class TestBadDays:
    def test_a_mind_that_fails_makes_the_turn_a_missed_one_with_its_reason(self):
        def break_mind(parts):
            parts.llm = Broken(parts.llm)

        one, two = perform(line("time"), line("say"), change=break_mind).turns
        assert one.outcome == two.outcome == "missed"
        assert "llm" in one.reason
        assert one.faults[0].kind == "llm"

    def test_a_recogniser_that_is_lost_ends_the_talk_and_the_rest_is_missed(self):
        def lose_ears(parts):
            async def transcripts():
                async for transcript in hear():
                    if transcript.final:
                        raise grpc.aio.UsageError("the stream is gone")
                    yield transcript

            hear = parts.asr.transcripts
            parts.asr.transcripts = transcripts

        played = perform(line("time"), line("say"), line("story"), change=lose_ears)
        assert played.lost is not None
        assert played.lost.service == "asr"
        assert len(played.turns) == 3
        assert played.turns[-1].outcome == "missed"
        assert "stream is gone" in played.turns[-1].reason or "ended" in played.turns[-1].reason

    def test_what_was_never_understood_is_missed(self):
        def deaf(parts):
            parts.asr.push = lambda frame: None

        (turn,) = perform(line("time"), change=deaf).turns
        assert turn.outcome == "missed"
        assert turn.reason == "not understood: she asked again"

    def test_a_cut_off_line_that_was_answered_too_early(self):
        (turn,) = perform(paused(pause=2.5), using=profile(), reopen_window=0.0).turns
        assert turn.false_cutoffs >= 1
