"""Words lie where the voice is, and pauses between the words that they were marked between."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_sounds import buzz, silence, sound

from pipelines.scenarios.alignment import align, unmarked
from pipelines.scenarios.voiced import find_voice
from sophia.audio import EAR_RATE
from sophia.soundbite import voiced_span


def test_words_share_the_voice_by_their_letters() -> None:
    a, bbb = align(sound(0.5, 0.8, 0.3), "a bbb")
    assert (a.text, a.start, a.end) == ("a", 0.5, pytest.approx(0.7))
    assert (bbb.start, bbb.end) == (pytest.approx(0.7), pytest.approx(1.3))


def test_a_number_is_as_long_as_it_is_read() -> None:
    number, word = align(sound(0.0, 1.0), "23 mmmmmmmmmmm")  # twenty three has eleven letters
    assert number.end == pytest.approx(0.5, abs=0.02)
    assert word.end == pytest.approx(1.0)


@pytest.mark.parametrize("mark", ["[0.8]", "|", "[ 1 ]"])
def test_a_marked_pause_falls_between_the_right_words(mark: str) -> None:
    pcm = sound(0.1, 0.2, 0.8, 1.0, 0.1)  # by letters alone "is" and "seventeen" would come before the pause
    words = align(pcm, f"what {mark} is seventeen times")
    assert [w.text for w in words] == ["what", "is", "seventeen", "times"]
    assert words[0].end <= 0.3 + 1e-6
    assert words[1].start >= 1.1 - 1e-6


def test_the_longest_silences_are_the_marked_ones() -> None:
    pcm = sound(0.0, 0.5, 0.2, 0.5, 0.7, 0.5, 0.2, 0.5)
    words = align(pcm, "one two [0.7] three four")
    assert words[1].end <= 1.2 + 1e-6
    assert words[2].start >= 1.9 - 1e-6


def test_without_marks_no_word_reaches_across_a_silence() -> None:
    words = align(sound(0.0, 0.6, 0.5, 0.6), "one two three four five")
    assert all(w.end <= 0.6 + 1e-6 or w.start >= 1.1 - 1e-6 for w in words)
    assert {w.start >= 1.1 - 1e-6 for w in words} == {True, False}


def test_more_marks_than_silences_are_overlooked() -> None:
    words = align(sound(0.0, 1.0), "one [0.5] two | three")
    assert [w.text for w in words] == ["one", "two", "three"]
    assert words[-1].end == pytest.approx(1.0)


def test_a_silence_still_gets_its_words() -> None:
    assert [w.end for w in align(silence(1.0), "ab cd")] == [0.5, 1.0]
    assert align(buzz(1.0), "") == ()
    assert align(buzz(1.0), "[0.5] |") == ()


def test_marks_are_not_words() -> None:
    assert unmarked("what is [0.8] seventeen | times [1]") == "what is seventeen times"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.05, 0.6), min_size=2, max_size=8),
    st.lists(st.sampled_from(["one", "is", "seventeen", "42", "|", "[0.3]", "?"]), max_size=12),
)
def test_words_are_in_order_and_inside_the_voice(parts: list[float], said: list[str]) -> None:
    pcm = sound(*parts)
    words = align(pcm, " ".join(said))
    assert [w.text for w in words] == [word for word in said if word not in ("|", "[0.3]")]
    span = voiced_span(pcm)
    assert span is not None
    for word in words:
        assert span[0] / EAR_RATE - 0.011 <= word.start <= word.end <= span[1] / EAR_RATE + 0.011
    assert all(a.end <= b.start + 1e-6 for a, b in pairwise(words))


def test_the_voice_of_a_clean_recording_is_what_soundbite_says() -> None:
    pcm = sound(0.3, 0.5, 0.4, 0.2, 0.3)
    voice = find_voice(pcm)
    assert voice is not None
    assert voice.span == voiced_span(pcm)
    assert [round(end / EAR_RATE, 2) for stretch in voice.stretches for end in stretch] == [0.3, 0.8, 1.2, 1.4]
    assert not voice.noisy
    assert find_voice(silence(1.0)) is None


def test_in_noise_the_voice_has_to_stand_out() -> None:
    pcm = sound(0.5, 1.0, 0.5)
    hiss = np.random.default_rng(1).normal(0, 300, len(pcm))  # 25 dB below
    noisy = np.clip(pcm + hiss, -32768, 32767).astype(np.int16)
    noisy[1000:1160] += 3000  # a click
    assert voiced_span(noisy) == (0, len(noisy))
    voice = find_voice(noisy)
    assert voice is not None
    assert voice.noisy
    assert voice.span[0] / EAR_RATE == pytest.approx(0.5, abs=0.02)
    assert voice.span[1] / EAR_RATE == pytest.approx(1.5, abs=0.02)


def test_a_voice_without_a_pause_is_not_taken_for_noise() -> None:
    voice = find_voice(buzz(1.0))
    assert voice is not None
    assert not voice.noisy or voice.span == (0, EAR_RATE)
