"""The listener with a scripted detector and a scripted recogniser: what is sent when, without any model."""

from __future__ import annotations

import math

import pytest

from pipelines.embedded.speech.ears.endpointing import Endpointing
from pipelines.embedded.speech.ears.hypothesis import Heard, HeardWord, Hypothesis
from pipelines.embedded.speech.ears.listening import FRAME_BYTES, Listener

VOICE, SILENCE = b"\1" * FRAME_BYTES, b"\0" * FRAME_BYTES


class LoudIsVoice:
    """A detector for which any sound is a voice."""

    def __init__(self) -> None:
        self.resets = 0

    def process_chunk(self, audio: bytes) -> float:
        return 0.9 if any(audio) else 0.01

    def reset(self) -> None:
        self.resets += 1


def said(text: str) -> Hypothesis:
    words = tuple(HeardWord(w, 100 * i, 100 * i + 90, 0.9) for i, w in enumerate(text.split()))
    return Hypothesis(words, 0.9, ("something else",))


class Scripted:
    """Hears a word for each ten voiced frames; the second pass gives ``second`` as soon as ``ready``."""

    writes = False

    def __init__(self, second: str | None = None) -> None:
        self.second = second
        self.ready = True
        self.memory: str | None = None
        self.looks = 0
        self.log: list[str] = []
        self.voiced = 0
        self.pending = False

    def start(self) -> None:
        self.log.append("start")
        self.voiced = 0

    def feed(self, pcm: bytes) -> None:
        self.looks += 1
        self.voiced += sum(any(pcm[i : i + FRAME_BYTES]) for i in range(0, len(pcm), FRAME_BYTES))

    def text(self, deadline: float) -> str:
        return " ".join(["one", "two", "three", "four", "five", "six"][: math.ceil(self.voiced / 10)])

    def speculate(self, pcm: bytes) -> None:
        self.log.append("speculate")
        self.pending = True

    def second_pass(self, deadline: float) -> Hypothesis | None:
        return said(self.second) if self.pending and self.ready and self.second else None

    def resume(self) -> None:
        self.log.append("resume")
        self.pending = False

    def end(self) -> Hypothesis:
        self.log.append("end")
        return said(self.text(0.0))

    def abandon(self) -> None:
        self.pending = False


def listen(script: Scripted, *parts: tuple[bytes, int], detector: LoudIsVoice | None = None) -> list[Heard]:
    listener = Listener(script, Endpointing(), detector=detector or LoudIsVoice())
    heard = [h for frame, count in parts for _ in range(count) for h in listener.hear(frame)]
    return heard + list(listener.close())


def test_stable_and_final_carry_the_second_pass() -> None:
    script = Scripted(second="what time is it")
    heard = listen(script, (SILENCE, 20), (VOICE, 30), (SILENCE, 20))
    assert [h.kind for h in heard if h.kind != "interim"] == ["stable", "final"]
    assert {h.text for h in heard if h.kind != "interim"} == {"what time is it"}
    assert heard[-1].others == ("something else",)


def test_times_count_from_the_streams_first_sample() -> None:
    heard = listen(Scripted(second="hello"), (SILENCE, 100), (VOICE, 30), (SILENCE, 20))
    # 13 frames of pre-roll, 3 of them the start window itself: the utterance begins 10 frames before the voice.
    assert heard[-1].words[0].start == 32 * (100 - 10)
    assert heard[-1].audio == pytest.approx(0.032 * (100 + 30 + 16))


def test_interims_split_where_the_hypotheses_agree() -> None:
    heard = listen(Scripted(second="x"), (VOICE, 60), (SILENCE, 20))
    interims = [(h.agreed, h.tail) for h in heard if h.kind == "interim"]
    assert ("", "one") in interims
    assert any(agreed.startswith("one two") and tail for agreed, tail in interims)
    assert len(interims) == len(set(interims)), "an unchanged interim is not worth sending"


def test_a_late_second_pass_gives_the_live_words_and_then_a_better_stable() -> None:
    script = Scripted(second="what time is it")
    script.ready = False
    listener = Listener(script, Endpointing(), detector=LoudIsVoice())
    heard = [h for frame in [VOICE] * 20 + [SILENCE] * 9 for h in listener.hear(frame)]
    assert heard[-1].kind == "stable"
    assert heard[-1].text == script.text(0.0)
    script.ready = True
    heard = list(listener.hear(SILENCE))
    assert [(h.kind, h.text) for h in heard] == [("stable", "what time is it")]
    heard = [h for _ in range(10) for h in listener.hear(SILENCE)]
    assert [(h.kind, h.text) for h in heard] == [("final", "what time is it")]


def test_a_second_pass_that_is_done_before_the_stable_partial_is_told_once_as_a_sure_interim() -> None:
    script = Scripted(second="what time is it?")
    listener = Listener(script, Endpointing(), detector=LoudIsVoice())
    heard = [h for frame in [VOICE] * 20 + [SILENCE] * 6 for h in listener.hear(frame)]
    assert [(h.kind, h.agreed, h.tail) for h in heard[-1:]] == [("interim", "what time is it", "")]
    assert heard[-1].audio == pytest.approx(0.032 * 22), "with the pause of two frames itself"
    assert [h.agreed for h in heard].count("what time is it") == 1


def test_a_second_pass_without_words_is_no_interim() -> None:
    script = Scripted(second=" ")
    listener = Listener(script, Endpointing(), detector=LoudIsVoice())
    heard = [h for frame in [VOICE] * 20 + [SILENCE] * 6 for h in listener.hear(frame)]
    assert all(h.agreed or h.tail for h in heard)


def test_a_second_pass_that_never_comes_gives_the_live_words() -> None:
    heard = listen(Scripted(second=None), (VOICE, 20), (SILENCE, 20))
    assert heard[-1].kind == "final"
    assert heard[-1].text == "one two"


def test_going_on_drops_what_was_speculated() -> None:
    script = Scripted(second="all of it")
    heard = listen(script, (VOICE, 20), (SILENCE, 10), (VOICE, 20), (SILENCE, 20))
    assert script.log == ["start", "speculate", "resume", "speculate", "end"]
    assert [h.kind for h in heard if h.kind != "interim"] == ["stable", "stable", "final"]


def test_closing_the_stream_finishes_what_was_begun() -> None:
    heard = listen(Scripted(second="half a sentence"), (VOICE, 20))
    assert [(h.kind, h.text) for h in heard if h.kind == "final"] == [("final", "half a sentence")]


def test_the_end_can_be_forced_once() -> None:
    script = Scripted(second="now")
    listener = Listener(script, Endpointing(), detector=LoudIsVoice())
    for _ in range(20):
        list(listener.hear(VOICE))
    assert [h.kind for h in listener.finish_utterance()] == ["final"]
    assert list(listener.finish_utterance()) == []


def test_silence_says_nothing_and_resets_the_detector() -> None:
    script, detector = Scripted(), LoudIsVoice()
    assert listen(script, (SILENCE, 200), detector=detector) == []
    assert script.log == []
    assert detector.resets == 3


@pytest.mark.parametrize("step", [2, 640, 1000, 64_000])
def test_the_cut_of_the_sound_does_not_matter(step: int) -> None:
    sound = SILENCE * 10 + VOICE * 20 + SILENCE * 20
    whole = Listener(Scripted(second="same"), Endpointing(), detector=LoudIsVoice())
    cut = Listener(Scripted(second="same"), Endpointing(), detector=LoudIsVoice())
    expected = list(whole.hear(sound)) + list(whole.close())
    got = [h for i in range(0, len(sound), step) for h in cut.hear(sound[i : i + step])] + list(cut.close())
    assert got == expected
