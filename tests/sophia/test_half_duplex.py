"""After her end the microphone opens as soon as somebody else is heard in it, and her echo stays out."""

from pathlib import Path

import numpy as np
import pytest

from sophia.audio import EAR_RATE, Frame, dbfs
from sophia.half_duplex import HalfDuplexGuard
from sophia.wav import read_wav

SPEECH = read_wav(Path(__file__).parents[1] / "data" / "where_is_my_order.wav").pcm
VOICED = SPEECH[
    np.flatnonzero(np.abs(SPEECH.astype(int)) > 300)[0] : np.flatnonzero(np.abs(SPEECH.astype(int)) > 300)[-1]
]
HERS = np.tile(VOICED[::-1], 3)
LEAD = 0.5
END = LEAD + len(HERS) / EAR_RATE
ROOMS = [(0.03, 0.25), (0.06, 0.4), (0.2, 0.25), (0.1, 0.6)]
LEVEL = -32.0


def room(delay, decay):
    length = round(1.5 * decay * EAR_RATE)
    response = np.random.default_rng(3).standard_normal(length) * 10 ** (-3 * np.arange(length) / EAR_RATE / decay)
    response[0] = 3
    return np.concatenate([np.zeros(round(delay * EAR_RATE)), response / np.sqrt(np.sum(response**2))])


def at_level(sound, level):
    return sound.astype(float) * 10 ** ((level - dbfs(sound)) / 20)


def through(guard, kind, answer=None, gap=0.0, seconds=2.5):
    """What the ears get while she says something through the room, and the user answers ``gap`` seconds after."""
    heard = np.random.default_rng(5).normal(0, 8, round((END + seconds) * EAR_RATE) // 320 * 320)
    at = round(LEAD * EAR_RATE)
    echo = np.convolve(at_level(HERS, LEVEL), room(*kind))
    heard[at : at + len(echo)] += echo[: len(heard) - at]
    if answer is not None:
        begin = round((END + gap) * EAR_RATE)
        heard[begin : begin + len(answer)] += at_level(answer, LEVEL)
    pcm = np.clip(heard, -32768, 32767).astype(np.int16)
    frames = []
    for i in range(0, len(pcm), 320):
        if len(piece := HERS[max(0, i - at) : max(0, i + 320 - at)]):
            guard.reference(piece, EAR_RATE, max(i, at) / EAR_RATE)
        frames += guard.process(Frame(pcm[i : i + 320], i / EAR_RATE))
    assert [round(f.time * 50) for f in frames] == list(range(len(frames)))  # each once, in order
    assert len(frames) >= len(pcm) // 320 - 15
    return np.concatenate([frame.pcm for frame in frames])


@pytest.mark.parametrize("kind", ROOMS)
def test_her_echo_does_not_reach_the_ears(kind):
    sound = through(HalfDuplexGuard(), kind)
    levels = [dbfs(sound[i : i + 320]) for i in range(round(LEAD * EAR_RATE) // 320 * 320, len(sound) - 319, 320)]
    assert max(levels) < -55  # the echo is at -32, the quiet room at -72


@pytest.mark.parametrize("gap", [0.05, 0.1, 0.2, 0.3, 0.4, 1.0])
@pytest.mark.parametrize("kind", ROOMS[:3])
def test_a_quick_answer_keeps_its_first_word(kind, gap):
    sound = through(HalfDuplexGuard(), kind, VOICED, gap).astype(float)
    begin = round((END + gap) * EAR_RATE)
    first_word = VOICED[: round(0.4 * EAR_RATE)].astype(float)
    let_through = np.abs(sound[begin : begin + len(first_word)]) > 0
    least = 0.95 if kind[0] < 0.1 else 0.5  # what a late loudspeaker's echo drowns is lost
    assert np.sum(first_word[let_through] ** 2) > least * np.sum(first_word**2)


def test_until_her_echo_is_known_the_whole_tail_is_silenced():
    guard = HalfDuplexGuard(tail_seconds=0.09)
    block = np.full(320, 5000, np.int16)
    for i in range(5):
        guard.reference(block, EAR_RATE, 1.0 + i * 0.02)  # sounds from 1.0 to 1.1, so muted to 1.19
    guard.reference(np.zeros(320, np.int16), EAR_RATE, 1.1)  # she plays silence: that is no sound
    loud = np.full(320, 7000, np.int16)
    muted = [not frame.pcm.any() for t in range(90, 130, 2) for frame in guard.process(Frame(loud, t / 100))]
    assert [90 + 2 * i for i, m in enumerate(muted) if m] == list(range(100, 120, 2))


def test_what_is_over_is_forgotten():
    guard = HalfDuplexGuard(tail_seconds=0.1)
    for i in range(1000):
        guard.reference(np.full(320, 5000, np.int16), EAR_RATE, float(i))
        (frame,) = guard.process(Frame(np.ones(320, np.int16), i + 0.5))
        assert frame.pcm.all()
    assert len(guard._spans) <= 2
    assert len(guard._echo._powers) < 500
