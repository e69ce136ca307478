"""Her voice at a client's rate: no click at a seam, and positions that fit."""

import numpy as np
import pytest

from pipelines.server.voice import Voice
from sophia.played import Piece

RATE = 22_050


def tone(rate, seconds, start=0.0):
    return np.rint(9000 * np.sin(2 * np.pi * 330 * (start + np.arange(round(seconds * rate)) / rate))).astype(np.int16)


def blocks(sound, size=441):
    for first in range(0, len(sound), size):
        pcm = np.zeros(size, np.int16)
        part = sound[first : first + size]
        pcm[: len(part)] = part
        yield pcm, [Piece(1, first, 0, len(part))]


@pytest.mark.parametrize("out", [8000, 16_000, 22_050, 24_000, 48_000])
def test_any_rate_is_served_without_a_click(out):
    said = []
    voice = Voice(RATE, 24_000, lambda *what: said.append(what))
    voice.adapt(out)
    for pcm, pieces in blocks(tone(RATE, 2.0)):
        voice.take(pcm, pieces)
    voice.finish()
    sound = np.concatenate([pcm for _, _, pcm, _ in said])
    assert abs(len(sound) - 2 * out) <= 2
    due = tone(out, 2.1)[: len(sound)].astype(int)
    assert np.abs(sound[50:-50] - due[50:-50]).max() < 200
    place = 0
    for generation, first, pcm, seconds in said:
        assert generation == 1
        assert abs(first - place * RATE / out) <= 1
        assert seconds == pytest.approx(len(pcm) / out)
        place += len(pcm)


def test_a_jump_begins_anew():
    said = []
    voice = Voice(RATE, 24_000, lambda *what: said.append(what))
    for first in (0, 441, 100, 541):
        voice.take(tone(RATE, 0.02), [Piece(1, first, 0, 441)])
    starts = [first for _, first, _, _ in said]
    assert starts[0] == 0
    assert starts[2] == 100
    assert abs(starts[1] - 441) <= 20
    assert abs(starts[3] - 541) <= 20


def test_another_reply_in_the_same_block_is_told_apart():
    said = []
    voice = Voice(RATE, RATE, lambda *what: said.append(what))
    pcm = tone(RATE, 0.02)
    voice.take(pcm, [Piece(1, 900, 0, 100), Piece(2, 0, 100, 341)])
    assert [(generation, first, len(sound)) for generation, first, sound, _ in said] == [(1, 900, 100), (2, 0, 341)]
    assert np.array_equal(np.concatenate([sound for _, _, sound, _ in said]), pcm)


def test_silence_lets_go_of_what_a_resampler_holds():
    said = []
    voice = Voice(RATE, 24_000, lambda *what: said.append(what))
    voice.take(tone(RATE, 0.1), [Piece(1, 0, 0, 2205)])
    assert sum(len(pcm) for _, _, pcm, _ in said) < 2400
    voice.take(np.zeros(441, np.int16), [])
    assert sum(len(pcm) for _, _, pcm, _ in said) == pytest.approx(2400, abs=1)
