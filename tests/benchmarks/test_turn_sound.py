"""Clips with pauses put in: all of the speech is still there, and what was put in is as quiet as the clip."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from benchmarks.turn_sound import FADE, PAUSES, PLACES, lines, paused, write
from sophia.audio import EAR_RATE
from sophia.wav import WavWriter, read_wav


def test_a_pause_parts_a_clip_and_takes_nothing_away() -> None:
    speech = (8000 * np.sin(np.arange(2 * EAR_RATE) / 7)).astype(np.int16)
    found = paused(speech, 0.75, 0.4, np.random.default_rng(1))
    cut, gap = round(0.75 * EAR_RATE), round(0.4 * EAR_RATE)
    assert len(found) == len(speech) + gap
    np.testing.assert_array_equal(found[: cut - FADE], speech[: cut - FADE])
    np.testing.assert_array_equal(found[cut + gap + FADE :], speech[cut + FADE :])
    assert np.abs(found[cut : cut + gap]).max() < 400


def test_each_clip_is_played_whole_and_with_each_pause(tmp_path: Path) -> None:
    with PLACES.open(encoding="utf-8") as file:
        place = next(csv.DictReader(file))
    (tmp_path / "manifest.csv").write_text(f"file,transcript\n{place['file']},one two three\nother.wav,hello\n")
    for name in (place["file"], "other.wav"):
        wav = WavWriter(tmp_path / name, EAR_RATE)
        wav.write(np.full(5 * EAR_RATE, 2000, np.int16))
        wav.close()
    made = list(lines(tmp_path))
    assert [line.transcript for line in made[:2]] == ["one two three", "one two [0.4] three"]
    assert [line.transcript for line in made][-1] == "hello"
    assert len(made) % len(PAUSES) == 2
    write(tmp_path / "written", made)
    again = read_wav(tmp_path / "written" / "002.wav", EAR_RATE).pcm
    np.testing.assert_array_equal(again, made[1].pcm)
