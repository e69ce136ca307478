"""A stream at another rate: as many samples as come in, 1 ms later, the same however it was cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.framing import Framer
from sophia.resampling import DELAY_SECONDS, Resampler

RATES = [(8_000, 16_000), (16_000, 24_000), (22_050, 16_000), (22_050, 24_000), (24_000, 16_000), (44_100, 16_000),
         (44_100, 48_000), (48_000, 16_000)]  # fmt: skip


def tone(rate, hertz, seconds=0.5, late=0.0):
    return np.rint(9000 * np.sin(2 * np.pi * hertz * (np.arange(round(rate * seconds)) / rate - late))).astype(np.int16)


def level(pcm):
    return 20 * np.log10(np.sqrt(np.mean(pcm[1600:-1600].astype(float) ** 2)) / (9000 / np.sqrt(2)) + 1e-9)


@pytest.mark.parametrize(("rate", "out"), RATES)
def test_packets_of_20_ms_come_out_whole_and_1_ms_later(rate, out):
    resampler, sound, size = Resampler(rate, out), tone(rate, 440), rate // 50
    made = [resampler.resample(sound[at : at + size]) for at in range(0, len(sound), size)]
    assert {len(block) for block in made} == {out // 50}
    due = tone(out, 440, late=DELAY_SECONDS).astype(int)
    assert np.abs(np.concatenate(made) - due)[out // 50 :].max() <= 20


def test_speech_passes_and_what_would_fold_back_into_it_does_not():
    for rate in (24_000, 44_100, 48_000):
        for hertz in (100, 3000, 6000):
            assert level(Resampler(rate, 16_000).resample(tone(rate, hertz))) == pytest.approx(0, abs=0.1)
        for hertz in (9000, 10_000, 11_500):
            assert level(Resampler(rate, 16_000).resample(tone(rate, hertz))) < -60


def test_the_loudest_sound_is_clipped_and_does_not_wrap():
    square = np.where(np.arange(4800) // 60 % 2, 32767, -32768).astype(np.int16)
    made = Resampler(48_000, 16_000).resample(square)[100:]
    assert np.all(np.sign(made[10::40]) == np.sign(made[14::40])), "it rings above full scale, and stays there"
    assert made.max() == 32767


@given(st.sampled_from(RATES), st.lists(st.integers(0, 700), max_size=12))
def test_however_it_is_cut_it_is_the_same(rates, cuts):
    sound = np.random.default_rng(618).integers(-9000, 9000, sum(cuts)).astype(np.int16)
    resampler, ends = Resampler(*rates), np.cumsum([0, *cuts])
    made = [resampler.resample(sound[a:b]) for a, b in pairwise(ends)]
    whole = Resampler(*rates).resample(sound)
    assert np.abs(np.concatenate([*made, np.zeros(0, np.int16)]).astype(int) - whole).max(initial=0) <= 1


@pytest.mark.parametrize("rate", [8_000, 22_050, 24_000, 44_100, 48_000])
def test_a_packet_is_a_frame_at_once(rate):
    """libsoxr's streams gave it a packet later, and telephone sound two."""
    framer, size = Framer(rate), rate // 50
    for number in range(100):
        (frame,) = framer.cut(np.zeros(size, np.int16), number / 50)
        assert frame.end == pytest.approx((number + 1) / 50 - DELAY_SECONDS)
