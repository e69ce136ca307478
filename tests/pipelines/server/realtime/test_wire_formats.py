"""Telephone sound on the wire: samples inside, bytes outside, and no click where blocks meet."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_talk import RATE, Talk, of, only

from pipelines.server.realtime.formats import Format
from pipelines.server.realtime.wishes import AppendAudio
from pipelines.server.voice import Voice
from sophia.framing import Framer
from sophia.g711 import A_LAW, MU_LAW
from sophia.played import Piece

LAWS = {"audio/pcmu": MU_LAW, "audio/pcma": A_LAW}
HERTZ = 440.0


def set_format(talk, way, **wished):
    talk.client("session.update", session={"type": "realtime", "audio": {way: {"format": wished}}})
    return talk.sent[-1][-1]["session"]["audio"]


def append(talk, data):
    talk.client("input_audio_buffer.append", audio=base64.b64encode(data).decode())
    return talk.wishes[-1].pcm


def snr(sound, rate):
    """dB of what a sine of :data:`HERTZ` explains of a sound, block by block of 20 ms: the worst and the mean."""
    phase = 2 * np.pi * HERTZ * np.arange(len(sound)) / rate
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    fit = basis @ np.linalg.lstsq(basis, sound, rcond=None)[0]
    size = rate // 50
    count = len(sound) // size
    signal = (fit[: count * size].reshape(count, size) ** 2).mean(axis=1)
    noise = ((sound - fit)[: count * size].reshape(count, size) ** 2).mean(axis=1)
    return 10 * np.log10((signal / noise).min()), 10 * np.log10(signal.mean() / noise.mean())


def sine(rate, seconds):
    return np.rint(9000 * np.sin(2 * np.pi * HERTZ * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


@pytest.mark.parametrize("kind", LAWS)
def test_each_way_has_a_format_of_its_own(kind):
    talk = Talk()
    audio = set_format(talk, "input", type=kind)
    assert (audio["input"]["format"], audio["output"]["format"]) == (
        {"type": kind},
        {"type": "audio/pcm", "rate": 24_000},
    )
    assert (talk.wire.input_rate, talk.wire.output_rate) == (8_000, 24_000)
    audio = set_format(talk, "output", type=kind)
    assert audio["output"]["format"] == {"type": kind}
    talk.asks().writes().sounds(0.5)
    delta = base64.b64decode(of(talk, "response.output_audio.delta")[0]["delta"])
    assert delta == bytes([LAWS[kind].silence]) * 4_000  # silence of samples is not the byte 0
    assert only(talk, "response.created")["response"]["audio"]["output"]["format"] == {"type": kind}
    audio = set_format(talk, "input", type="audio/pcm")
    assert audio["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}


@pytest.mark.parametrize("kind", LAWS)
def test_bytes_become_samples_and_an_odd_one_is_a_whole_sample(kind):
    talk = Talk()
    assert append(talk, b"\x01\x02\x03") == b"\x01\x02"
    set_format(talk, "input", type=kind)
    data = bytes(range(255))
    assert append(talk, data) == LAWS[kind].decode(data).astype("<i2").tobytes()  # half a sample before is forgotten
    set_format(talk, "input", type="audio/pcm", rate=8_000)
    assert append(talk, b"\x01\x02") == b"\x01\x02"


@given(st.sampled_from(list(LAWS)), st.lists(st.binary(max_size=50), max_size=8))
def test_however_it_is_cut_the_sound_is_the_same(kind, pieces):
    talk = Talk()
    set_format(talk, "input", type=kind)
    for piece in pieces:
        talk.client("input_audio_buffer.append", audio=base64.b64encode(piece).decode())
    got = b"".join(wish.pcm for wish in talk.wishes if isinstance(wish, AppendAudio))
    assert got == LAWS[kind].decode(b"".join(pieces)).astype("<i2").tobytes()


@pytest.mark.parametrize("kind", LAWS)
def test_her_voice_has_no_click_where_its_blocks_meet(kind):
    form, sent = Format(kind, 8_000), []
    voice = Voice(RATE, 8_000, lambda generation, first, pcm, seconds: sent.append(form.encode(pcm.tobytes())))
    sound = sine(RATE, 2.0)
    for first in range(0, len(sound), 441):
        pcm = sound[first : first + 441]
        voice.take(pcm, [Piece(1, first, 0, len(pcm))])
    voice.finish()
    worst, mean = snr(LAWS[kind].decode(b"".join(sent))[200:-200].astype(float), 8_000)
    assert mean > 36  # of the law itself: 38 dB
    assert worst > 35


@pytest.mark.parametrize("kind", LAWS)
def test_the_users_voice_has_no_click_where_its_packets_meet(kind):
    form, framer, frames = Format(kind, 8_000), Framer(8_000), []
    data = form.encode(sine(8_000, 2.0).astype("<i2").tobytes())
    for first in range(0, len(data), 160):  # as telephony sends it: 20 ms
        pcm, _ = form.decode(data[first : first + 160])
        frames += [frame.pcm for frame in framer.cut(np.frombuffer(pcm, "<i2"), first / 8_000)]
    worst, mean = snr(np.concatenate(frames)[400:-400].astype(float), 16_000)
    assert mean > 36
    assert worst > 35
