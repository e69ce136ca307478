"""What the room, noise and distance do to a voice, measured."""

from __future__ import annotations

import numpy as np
import pytest
from loading_sounds import buzz, silence, sound

from pipelines.scenarios.room import DIRECT_TO_ECHO_DB, amplified, echoed, mixed, noise, scaled, seamless, speech_level
from sophia.audio import EAR_RATE


def db(ratio: float) -> float:
    return 20 * float(np.log10(ratio))


def rms(wave: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(wave.astype(float)))))


def test_the_level_of_speech_does_not_depend_on_the_silence_around() -> None:
    bare = speech_level(buzz(1.0))
    assert speech_level(sound(2.0, 1.0, 3.0)) == pytest.approx(bare, rel=0.01)
    assert speech_level(silence(1.0)) == 0.0
    assert speech_level(np.zeros(0, np.int16)) == 0.0


def test_an_echo_decays_by_60_db_in_its_time() -> None:
    click = np.zeros(EAR_RATE, np.int16)
    click[0] = 8_000
    tail = echoed(click, 0.4, seed=3).astype(float)[80:6400]
    decay = np.cumsum(np.square(tail)[::-1])[::-1]  # Schroeder's backward integration
    at = {level: int(np.argmax(10 * np.log10(decay / decay[0]) < level)) / EAR_RATE for level in (-5, -25)}
    assert (at[-25] - at[-5]) * 3 == pytest.approx(0.4, rel=0.15)


def test_the_direct_sound_stays_in_front_of_its_echo() -> None:
    click = np.zeros(EAR_RATE, np.int16)
    click[100] = 8_000
    heard = echoed(click, 0.4, seed=3).astype(float)
    assert int(np.argmax(np.abs(heard))) == 100
    echo = np.delete(heard, 100)
    assert db(abs(heard[100]) / float(np.sqrt(np.sum(np.square(echo))))) == pytest.approx(DIRECT_TO_ECHO_DB, abs=0.5)


def test_an_echo_keeps_the_level_and_lengthens_the_sound() -> None:
    voice = sound(0.2, 1.0, 0.2)
    heard = echoed(voice, 0.5, seed=1)
    assert len(heard) == len(voice) + EAR_RATE // 2
    assert db(speech_level(heard) / speech_level(voice)) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("snr", [0.0, 15.0, 30.0])
@pytest.mark.parametrize("colour", ["white", "pink"])
def test_noise_lies_where_it_was_asked_for(colour: str, snr: float) -> None:
    voice = sound(0.5, 1.0, 0.5)
    under = mixed(voice, noise(colour, EAR_RATE, seed=4), snr).astype(int) - voice
    assert db(speech_level(voice) / rms(under)) == pytest.approx(snr, abs=0.2)


def test_pink_noise_has_the_same_power_in_each_octave() -> None:
    power = np.square(np.abs(np.fft.rfft(noise("pink", 1 << 17, seed=5))))
    hz = np.fft.rfftfreq(1 << 17, 1 / EAR_RATE)
    octaves = [float(power[(hz >= low) & (hz < 2 * low)].sum()) for low in (100, 200, 400, 800, 1600, 3200)]
    assert max(octaves) / min(octaves) < 1.15
    white = np.square(np.abs(np.fft.rfft(noise("white", 1 << 17, seed=5))))
    assert white[(hz >= 3200) & (hz < 6400)].sum() / white[(hz >= 100) & (hz < 200)].sum() == pytest.approx(32, rel=0.1)


def test_pink_noise_repeats_without_a_seam() -> None:
    piece = noise("pink", EAR_RATE, seed=6)
    steps = np.abs(np.diff(np.concatenate([piece, piece])))
    assert steps[EAR_RATE - 1] < 4 * float(np.median(steps))


def test_a_recorded_background_repeats_without_a_click() -> None:
    time = np.arange(EAR_RATE) / EAR_RATE
    hum = np.rint(8000 * np.sin(2 * np.pi * 50.3 * time + 1.0)).astype(np.int16)
    loop = seamless(hum)
    assert len(loop) == len(hum) - 800
    assert abs(int(loop[0]) - int(loop[-1])) < 400 < abs(int(hum[0]) - int(hum[-1]))
    assert len(seamless(hum[:1])) == 1


def test_all_is_the_same_each_time_and_other_for_another_seed() -> None:
    voice = sound(0.1, 0.5, 0.1)
    assert np.array_equal(echoed(voice, 0.3, 7), echoed(voice, 0.3, 7))
    assert not np.array_equal(echoed(voice, 0.3, 7), echoed(voice, 0.3, 8))
    assert np.array_equal(noise("pink", 999, 7), noise("pink", 999, 7))
    assert not np.array_equal(noise("white", 999, 7), noise("white", 999, 8))


def test_levels_change_by_decibels_and_never_wrap_around() -> None:
    assert rms(amplified(buzz(0.1), -20)) == pytest.approx(rms(buzz(0.1)) / 10, rel=0.01)
    assert int(amplified(np.array([-32768, 32767], np.int16), 20).min()) == -32768
    assert rms(scaled(buzz(0.1), 1000.0, 20.0)) == pytest.approx(100, rel=0.01)
    assert not scaled(silence(0.1), 1000.0, 20.0).any()
