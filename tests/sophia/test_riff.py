"""Sound in RIFF as it comes: whatever a writer can write is read as it was meant, and a guess is told."""

import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wav_files import FLOAT, INT, Stored, chunk, riff

from sophia.wav import WavError, read_wav

RATE = 16_000
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE // 8) / RATE)
SIXTEEN = Stored()
SOUND = SIXTEEN.encode(TONE)
HEADER = SIXTEEN.fmt(1, RATE)

SIZES = [(8, 1), (12, 2), (16, 2), (20, 3), (24, 3), (20, 4), (24, 4), (32, 4)]
FORMATS = st.one_of(
    st.builds(
        lambda size, low, extensible, order: Stored(INT, *size, low, extensible, order),
        st.sampled_from(SIZES), st.booleans(), st.booleans(), st.sampled_from("<>"),
    ),
    st.builds(
        lambda width, extensible, order: Stored(FLOAT, 8 * width, width, False, extensible, order),
        st.sampled_from([2, 4, 8]), st.booleans(), st.sampled_from("<>"),
    ),
)  # fmt: skip
OTHERS = st.lists(st.tuples(st.sampled_from([b"LIST", b"JUNK", b"bext", b"id3 "]), st.binary(max_size=9)), max_size=3)


@dataclass(frozen=True)
class File:
    """A file that holds :data:`TONE`: how it is written."""

    stored: Stored
    channels: int
    container: bytes
    padded: bool
    before: list[tuple[bytes, bytes]]
    after: list[tuple[bytes, bytes]]
    how: str
    cut: int
    no_size: int
    tag: bool

    @property
    def exact(self) -> float:
        half = self.stored.kind == FLOAT and self.stored.width == 2
        return float(2.0 ** (1 - min(self.stored.bits, 11 if half else 16)) + 1e-4)

    def raw(self) -> bytes:
        order = self.stored.order
        large = self.container in (b"RF64", b"BW64") and order == "<"
        container = b"RIFX" if order == ">" else self.container
        data = self.stored.encode(np.repeat(TONE, self.channels))
        cut = self.cut * self.channels * self.stored.width
        before, after = (
            b"".join(chunk(name, body, order, pad=self.padded) for name, body in others)
            for others in (self.before, self.after)
        )
        match self.how:
            case "pieces":
                body = chunk(b"data", data[:cut], order, pad=self.padded) + before + chunk(b"data", data[cut:], order)
            case "empty first":
                body = chunk(b"data", b"", order) + chunk(b"data", data, order)
            case "no length" if not large:
                body, after = chunk(b"data", data, order, size=self.no_size), b""
            case _:
                body = chunk(b"data", data, order, size=0xFFFFFFFF if large else None)
        ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, len(data), len(TONE), 0)) if large else b""
        raw = riff(ds64, before, self.stored.fmt(self.channels, RATE), before, body, after, container=container)
        return (b"ID3\4\0\0" + bytes([0, 0, 1, 2]) + bytes(130) if self.tag else b"") + raw


FILES = st.builds(
    File, FORMATS, st.integers(1, 6), st.sampled_from([b"RIFF", b"RF64", b"BW64"]), st.booleans(), OTHERS, OTHERS,
    st.sampled_from(["whole", "pieces", "empty first", "no length"]), st.integers(1, len(TONE) - 1),
    st.sampled_from([0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF]), st.booleans(),
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_what_can_be_written_is_read_back(tmp_path: Path, file: File) -> None:
    (tmp_path / "a.wav").write_bytes(file.raw())
    pcm = read_wav(tmp_path / "a.wav").pcm / 32768
    np.testing.assert_allclose(pcm[: len(TONE)], TONE, atol=file.exact)
    assert len(pcm) - len(TONE) in (0, 1)  # a byte of padding may be a sample of 8 bits where no length is told


CHANGES = st.lists(
    st.tuples(st.integers(0, 150), st.binary(min_size=4, max_size=4) | st.sampled_from([b"\xff" * 4, bytes(4)])),
    max_size=4,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, CHANGES, st.floats(0, 1))
def test_damage_ends_in_sound_or_a_line(
    tmp_path: Path, file: File, changes: list[tuple[int, bytes]], left: float
) -> None:
    raw = bytearray(file.raw())
    for at, instead in changes:
        raw[at : at + 4] = instead
    (tmp_path / "a.wav").write_bytes(raw[: round(left * len(raw))])
    with suppress(WavError):
        sound = read_wav(tmp_path / "a.wav")
        assert (sound.pcm.dtype, sound.pcm.ndim) == (np.int16, 1)


LOW = Stored(INT, 24, 4, low=True)
SINGLE, DOUBLE = Stored(FLOAT, 32, 4), Stored(FLOAT, 64, 8)


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        (riff(HEADER, chunk(b"data", SOUND)), ""),
        (riff(chunk(b"LIST", b"INFOx", pad=False), HEADER, chunk(b"data", SOUND)), "missing behind its 'LIST'"),
        (riff(HEADER, chunk(b"data", SOUND[:1000]), chunk(b"data", SOUND[1000:])), "in 2 pieces; joined them"),
        (riff(HEADER, chunk(b"data", b""), chunk(b"data", SOUND)), ""),
        (riff(HEADER, chunk(b"data", SOUND, size=len(SOUND) + 100)), f"{len(SOUND)} of {len(SOUND) + 100} bytes"),
        (riff(HEADER, chunk(b"data", SOUND, size=0x7FFFF000)), "does not tell its length"),
        (riff(LOW.fmt(1, RATE), chunk(b"data", LOW.encode(TONE))), "24 low bits of 32"),
        (riff(SINGLE.fmt(1, RATE), chunk(b"data", SINGLE.encode(TONE * 2**15))), "by 32768"),
        (riff(SINGLE.fmt(1, RATE), chunk(b"data", SINGLE.encode(TONE * 2**23))), "8.38861e+06"),
        (riff(DOUBLE.fmt(1, RATE), chunk(b"data", DOUBLE.encode(TONE * 2**31))), "2.14748e+09"),
    ],
)  # fmt: skip
def test_a_guess_is_told(tmp_path: Path, raw: bytes, note: str) -> None:
    (tmp_path / "a.wav").write_bytes(raw)
    sound = read_wav(tmp_path / "a.wav")
    np.testing.assert_allclose(sound.pcm / 32768, TONE, atol=1e-4)
    assert note in sound.note
    assert bool(note) == bool(sound.note)


def _channels(tmp_path: Path, *channels: np.ndarray) -> tuple[np.ndarray, str]:
    together = np.stack(channels, axis=1).reshape(-1)
    (tmp_path / "a.wav").write_bytes(riff(SIXTEEN.fmt(len(channels), RATE), chunk(b"data", SIXTEEN.encode(together))))
    sound = read_wav(tmp_path / "a.wav")
    return sound.pcm / 32768, sound.note


def test_channels_that_cancel_each_other_are_not_silence(tmp_path: Path) -> None:
    for others in ((-TONE,), (-TONE + 0.1,), (-0.6 * TONE,), (-TONE, 0 * TONE), (-TONE, TONE, -TONE)):
        pcm, note = _channels(tmp_path, TONE, *others)
        np.testing.assert_allclose(pcm, TONE, atol=1e-4)
        assert note.endswith("cancel each other; used the loudest, number 1")


def test_one_channel_with_sound_is_as_loud_as_it_was(tmp_path: Path) -> None:
    silence = 0 * TONE
    for channels in ((TONE, silence), (silence, TONE + 0.0), (silence, silence + 0.2, TONE, *[silence] * 5)):
        pcm, note = _channels(tmp_path, *channels)
        np.testing.assert_allclose(pcm, TONE, atol=1e-4)
        assert note == ""


def test_unrelated_channels_are_averaged(tmp_path: Path) -> None:
    other = 0.3 * np.cos(2 * np.pi * 310 * np.arange(len(TONE)) / RATE)
    pcm, note = _channels(tmp_path, TONE, other)
    np.testing.assert_allclose(pcm, (TONE + other) / 2, atol=1e-4)
    assert note == ""


def test_floats_a_little_too_loud_are_clipped_as_everywhere(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(riff(SINGLE.fmt(1, RATE), chunk(b"data", SINGLE.encode(4 * TONE))))
    sound = read_wav(tmp_path / "a.wav")
    np.testing.assert_allclose(sound.pcm / 32768, np.clip(4 * TONE, -1, 1), atol=1e-4)
    assert sound.note == ""


def test_what_is_no_plain_sound_is_refused_by_name(tmp_path: Path) -> None:
    for kind, name in ((2, "Microsoft ADPCM"), (0x55, "MP3"), (0x1234, "4660")):
        (tmp_path / "a.wav").write_bytes(riff(Stored(kind, 4, 1).fmt(1, RATE), chunk(b"data", b"1234")))
        with pytest.raises(WavError, match=name):
            read_wav(tmp_path / "a.wav")


def test_a_million_chunks_do_not_hold_anybody_up(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(riff(HEADER, chunk(b"JUNK", b"") * 1_000_000, chunk(b"data", SOUND)))
    with pytest.raises(WavError, match="more than 10000 chunks"):
        read_wav(tmp_path / "a.wav")


def test_a_name_with_a_zero_byte_or_too_long_is_told_in_a_line() -> None:
    for name in ("a\0.wav", "x" * 5000):
        with pytest.raises(WavError, match="cannot be read"):
            read_wav(Path(name))
