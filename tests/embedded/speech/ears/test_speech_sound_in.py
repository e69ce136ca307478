from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.embedded.speech.ears.sound_in import BadSound, SoundIn


def tone(rate: int, seconds: float = 0.5, hz: float = 440.0) -> np.ndarray:
    return np.rint(8000 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype("<i2")


def wav(pcm: np.ndarray, rate: int, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return out.getvalue()


def convert(sound: SoundIn, data: bytes, step: int = 1 << 20) -> np.ndarray:
    parts = [sound.feed(data[i : i + step]) for i in range(0, len(data), step)]
    return np.frombuffer(b"".join(parts) + sound.finish(), "<i2")


def test_plain_pcm_passes_through() -> None:
    pcm = tone(16_000)
    assert np.array_equal(convert(SoundIn("pcm", 16_000), pcm.tobytes(), 333), pcm)


@given(st.integers(1, 400))
@settings(max_examples=30)
def test_a_wav_file_cut_anywhere_is_followed(step: int) -> None:
    pcm = tone(16_000, 0.05)
    assert np.array_equal(convert(SoundIn(None, 0), wav(pcm, 16_000), step), pcm)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_rates_become_16_khz(rate: int) -> None:
    out = convert(SoundIn("pcm", rate), tone(rate).tobytes(), 1000).astype(float)
    assert abs(len(out) - 8000) <= 2
    spectrum = np.abs(np.fft.rfft(out[1000:7000] * np.hanning(6000)))
    assert abs(np.argmax(spectrum) * 16_000 / 6000 - 440) < 4
    assert np.sqrt(np.mean(out[1000:7000] ** 2)) == pytest.approx(8000 / np.sqrt(2), rel=0.02)


def test_stereo_is_averaged() -> None:
    left = tone(16_000, 0.1)
    both = np.stack([left, np.zeros_like(left)], axis=1)
    out = convert(SoundIn(None, 0), wav(both, 16_000, 2), 77)
    assert np.max(np.abs(out - left / 2)) <= 1


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_g711_decodes_to_the_line(law: str) -> None:
    """Every code decodes to the sample that a G.711 encoder (nearest segment value) would have sent for it."""
    out = convert(SoundIn(law, 16_000), bytes(range(256)))
    if law == "mulaw":
        assert (out[0], out[0x80], out[0xFF], out[0x7F]) == (-32124, 32124, 0, 0)
    else:
        assert (out[0xD5], out[0x55], out[0xAA], out[0x2A]) == (8, -8, 32256, -32256)
    assert np.array_equal(np.sort(out), np.sort(-out))


@pytest.mark.parametrize(
    "rest", [b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf60.16.100\0", b"id3 \4\0\0\0ID3\4", b"\0" * 999]
)
def test_what_stands_behind_a_wav_files_sound_is_no_sound(rest: bytes) -> None:
    pcm = tone(16_000, 0.1)
    assert np.array_equal(convert(SoundIn(None, 0), wav(pcm, 16_000) + rest, 100), pcm)


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF])
def test_a_wav_file_that_is_still_being_written_goes_on_to_its_end(size: int) -> None:
    pcm = tone(16_000, 0.1)
    data = bytearray(wav(pcm, 16_000))
    data[40:44] = size.to_bytes(4, "little")
    assert np.array_equal(convert(SoundIn(None, 0), bytes(data), 100), pcm)


MPEG_FRAME = b"\xff\xfb\x90\x64" + bytes(413)  # layer III, 128 kbit/s at 44.1 kHz: 417 bytes
AAC_FRAME = b"\xff\xf1\x50\x80\x0c\x9f\xfc" + bytes(93)  # ADTS, 100 bytes
OTHERS = {
    "FLAC": b"fLaC\0\0\0\x22" + bytes(60),
    "Opus": b"OggS\0\2" + bytes(20) + b"\1\x13OpusHead",
    "MP3": b"ID3\4\0\0\0\0\0\x23TSSE",
    "MP3 or AAC": MPEG_FRAME * 3,
    "AAC": AAC_FRAME * 3,
    "RIFF": b"RIFF\x24\0\0\0AVI LIST",
    "big-endian": b"RIFX\0\0\0\x24WAVEfmt ",
    "64-bit": b"RF64\xff\xff\xff\xffWAVEds64",
    "AIFF": b"FORM\0\0\1\0AIFFCOMM",
    "AU": b".snd\0\0\0\x18\0\0\0\0",
    "M4A": b"\0\0\0\x20ftypM4A \0\0\0\0",
    "WebM": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\xf7\x81",
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("encoding", ["pcm", "mulaw", None])
def test_a_file_of_another_kind_is_refused_whatever_the_configuration_calls_it(kind: str, encoding: str | None) -> None:
    with pytest.raises(BadSound, match=f"(?s){kind}.*send 16-bit PCM"):
        convert(SoundIn(encoding, 16_000), OTHERS[kind] + bytes(500))


@pytest.mark.parametrize("data", [b"\0" * 500, b"Not a sound at all.", b"abc", bytes(range(256))])
def test_sound_that_nothing_describes_is_refused(data: bytes) -> None:
    with pytest.raises(BadSound, match="encoding is not set"):
        convert(SoundIn(None, 16_000), data)
    with pytest.raises(BadSound, match="sample_rate_hertz is not set"):
        convert(SoundIn("pcm", 0), data)


def test_no_sound_needs_no_description() -> None:
    assert len(convert(SoundIn(None, 0), b"")) == 0


@given(st.binary(min_size=12, max_size=4000).filter(lambda data: data[:4] not in (b"RIFF", b"fLaC", b"OggS")))
def test_raw_samples_are_not_taken_for_a_file(data: bytes) -> None:
    minus_one = b"\xff" * 12 + data  # what looks most like a frame header, and is quiet noise
    assert len(convert(SoundIn("pcm", 16_000), minus_one, 640)) == len(minus_one) // 2


def test_an_odd_last_byte_is_dropped() -> None:
    assert len(convert(SoundIn("pcm", 16_000), b"\1\2\3")) == 1


def test_wav_of_other_widths_is_refused() -> None:
    header = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 48_000, 3, 24) + b"data\0\0\0\0"
    with pytest.raises(BadSound, match="16-bit"):
        SoundIn(None, 0).feed(header)


@pytest.mark.parametrize("data", [b"RIFF", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \2\0\0\0ab"])
def test_a_header_without_an_end_is_refused(data: bytes) -> None:
    with pytest.raises(BadSound):
        convert(SoundIn(None, 0), data)


def test_a_header_that_is_all_junk_is_bounded() -> None:
    with pytest.raises(BadSound, match="64 kB"):
        SoundIn(None, 0).feed(b"RIFF\0\0\0\0WAVEjunk" + struct.pack("<I", 1 << 30) + bytes(70_000))


@given(st.binary(max_size=300))
def test_garbage_never_does_worse_than_bad_sound(data: bytes) -> None:
    sound = SoundIn(None, 0)
    try:
        out = sound.feed(b"RIFF" + data) + sound.finish()
    except BadSound:
        return
    assert len(out) % 2 == 0


@pytest.mark.parametrize(("rate", "channels"), [(4000, 1), (200_000, 1), (16_000, 9)])
def test_absurd_formats_are_refused(rate: int, channels: int) -> None:
    with pytest.raises(BadSound):
        SoundIn("pcm", rate, channels).feed(bytes(12))
