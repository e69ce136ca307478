"""Several channels become one, whichever of them carry the voice, in whatever phase."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.downmix import Downmix

BLOCK = 320
CHANNELS = [1, 2, 6, 8, 32]


def voice(seconds=0.4, level=6000.0):
    time = np.arange(round(seconds * 16_000)) / 16_000
    return level * np.sin(2 * np.pi * 210 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))


def mixed(sound):
    mixer = Downmix(sound.shape[1])
    return np.concatenate([mixer.mix(sound[i : i + BLOCK]) for i in range(0, len(sound), BLOCK)]).astype(float)


def rms(sound):
    return float(np.sqrt(np.mean(np.square(sound))))


def spread(said, gains, noise=6.0):
    """The voice on each channel by its gain, over each channel's own noise."""
    room = np.random.default_rng(1).normal(0, noise, (len(said), len(gains)))
    return np.clip(said[:, None] * np.asarray(gains) + room, -32768, 32767).astype(np.int16)


@given(st.sampled_from(CHANNELS), st.data())
def test_a_voice_on_any_channels_keeps_its_level(count, data):
    gains = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, -1.0]), min_size=count, max_size=count).filter(any))
    said = voice()
    heard = mixed(spread(said, gains))
    loudest = max(abs(gain) for gain in gains)
    assert rms(heard[1600:]) > 0.45 * loudest * rms(said[1600:])
    assert np.max(np.abs(heard)) <= np.max(np.abs(said)) * loudest + 60
    likeness = abs(np.corrcoef(heard[1600:], said[1600:])[0, 1])
    assert likeness > 0.98


@pytest.mark.parametrize("count", CHANNELS)
def test_a_voice_that_begins_on_one_channel_is_there_from_its_first_block_on(count):
    said = np.concatenate([np.zeros(16_000), voice()])
    heard = mixed(spread(said, [0.0] * (count - 1) + [1.0]))
    assert rms(heard[16_000 : 16_000 + 2 * BLOCK]) > 0.4 * rms(said[16_000 : 16_000 + 2 * BLOCK])


def test_opposite_channels_do_not_waver():
    """Equally loud, turned around: the mix follows one of them, not now this and now that."""
    said = voice(2.0)
    heard = mixed(spread(said, [1.0, -1.0]))
    sign = np.sign(np.corrcoef(heard[1600:], said[1600:])[0, 1])
    blocks = range(1600, len(said) - BLOCK, BLOCK)
    assert all(np.dot(sign * heard[i : i + BLOCK], said[i : i + BLOCK]) > 0 for i in blocks)


def test_silence_stays_silence():
    assert not mixed(np.zeros((3200, 8), np.int16)).any()


def test_full_scale_does_not_wrap():
    loud = np.full((3200, 6), -32768, np.int16)
    assert mixed(loud).min() == -32768
