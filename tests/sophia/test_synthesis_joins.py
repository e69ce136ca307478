"""The filter that evens out the silence around clauses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.joins import Trim, pause

RATE = 1000
RAMP = 3


def through(pcm, sizes, lead=0.02, tail=0.1):
    trim = Trim(RATE, lead, tail)
    out, at = [], 0
    for size in [*sizes, len(pcm)]:
        out.append(trim.push(pcm[at : at + size]))
        at += size
    out.append(trim.finish())
    return np.concatenate(out), trim


def clause(before, voice, after):
    return np.concatenate((np.zeros(before, np.int16), np.full(voice, 5000, np.int16), np.zeros(after, np.int16)))


@pytest.mark.parametrize(
    ("before", "after", "lead", "tail"),
    [(300, 400, 20, 100), (10, 50, 10, 50), (0, 0, 0, 0), (500, 1500, 20, 600)],
)
def test_silence_is_cut_down_and_the_voice_is_whole(before, after, lead, tail):
    out, trim = through(clause(before, 400, after), [70] * 20)
    loud = np.flatnonzero(np.abs(out) > 104)
    assert loud[0] == lead
    assert len(out) - 1 - loud[-1] == tail
    assert len(loud) == 400
    assert trim.cut == before - lead
    assert trim.silence == min(tail, 100)


def test_a_voice_cut_out_of_the_middle_starts_and_ends_at_zero():
    out, _ = through(clause(0, 400, 0), [50] * 8)
    assert list(out[: RAMP + 1]) == [1250, 2500, 3750, 5000]
    assert list(out[-RAMP - 1 :]) == [5000, 3750, 2500, 1250]


def test_a_pause_inside_stays():
    sound = np.concatenate((clause(0, 100, 300), clause(0, 100, 0)))
    out, _ = through(sound, [30] * 16)
    assert len(out) == len(sound)
    assert not out[101:399].any()


def test_silence_alone_is_nothing():
    out, trim = through(np.zeros(2500, np.int16), [100] * 20)
    assert len(out) == 0
    assert trim.silence == 0


spans = st.lists(st.tuples(st.sampled_from([0, 0, 50, 5000, -9000]), st.integers(1, 700)), max_size=8)


@given(spans, st.lists(st.integers(0, 200), max_size=40))
def test_how_the_sound_was_cut_into_chunks_does_not_matter(spans, sizes):
    pcm = np.concatenate([np.zeros(0, np.int16), *(np.full(count, level, np.int16) for level, count in spans)])
    whole, _ = through(pcm, [])
    pieced, _ = through(pcm, sizes)
    assert np.array_equal(pieced, whole)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Yes.", 0.25), ('He said "yes."', 0.25), ("**Yes!**", 0.25), ("well,", 0.12), ("note:", 0.12), ("and so", 0.06)],
)
def test_the_pause_goes_by_the_mark(text, seconds):
    assert pause(text) == seconds
