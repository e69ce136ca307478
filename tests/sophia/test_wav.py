"""WAV files as they come: every usual format, damaged ones, hostile ones; and writing one that survives a crash."""

import os
import signal
import struct
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sophia.wav import WavError, WavWriter, read_wav

RATE = 16_000
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE // 4) / RATE)
PCM_GUID = bytes.fromhex("0000000010008000 00aa00389b71")


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(kind: int, channels: int, rate: int, bits: int, extra: bytes = b"") -> bytes:
    block = channels * ((bits + 7) // 8)
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits) + extra)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def encode(x: np.ndarray, kind: int, bits: int) -> bytes:
    if kind == 3:
        return x.astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return np.rint(x * 127 + 128).astype(np.uint8).tobytes()
    whole = np.rint(x * (2 ** (bits - 1) - 1)).astype("<i4")
    return whole.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return tmp_path / "sound.wav"


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("kind", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
@pytest.mark.parametrize("extensible", [False, True])
def test_every_usual_format(wav: Path, kind: int, bits: int, channels: int, extensible: bool) -> None:
    data = encode(np.repeat(TONE, channels), kind, bits)
    extra = struct.pack("<HHIH", 22, bits, 0, kind) + PCM_GUID if extensible else b""
    header = fmt(0xFFFE if extensible else kind, channels, RATE, bits, extra)
    wav.write_bytes(riff(chunk(b"LIST", b"odd"), header, chunk(b"data", data), chunk(b"id3 ", b"xyz")))
    sound = read_wav(wav)
    assert (sound.rate, sound.note, sound.pcm.dtype) == (RATE, "", np.int16)
    np.testing.assert_allclose(sound.pcm / 32768, TONE, atol=0.009 if bits == 8 else 1e-4)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        # G.711's own corners: largest negative, smallest, largest positive.
        (7, {0x00: -32124, 0x7F: 0, 0xFF: 0, 0x80: 32124, 0x0F: -16764}),
        (6, {0x2A: -32256, 0x55: -8, 0xD5: 8, 0xAA: 32256, 0x80: 5504}),
    ],
)
def test_telephone_formats(wav: Path, kind: int, values: dict[int, int]) -> None:
    wav.write_bytes(riff(fmt(kind, 1, 8_000, 8), chunk(b"data", bytes(values))))
    assert read_wav(wav, rate=8_000).pcm.tolist() == list(values.values())


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_any_rate_becomes_the_asked_one(wav: Path, rate: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    wav.write_bytes(riff(fmt(1, 1, rate, 16), chunk(b"data", encode(tone, 1, 16))))
    sound = read_wav(wav)
    assert len(sound.pcm) == pytest.approx(RATE, abs=2)
    spectrum = np.abs(np.fft.rfft(sound.pcm[:RATE] * np.hanning(min(len(sound.pcm), RATE))))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_a_cut_file_gives_what_is_there_and_says_so(wav: Path) -> None:
    whole = riff(fmt(1, 1, RATE, 16), chunk(b"data", encode(TONE, 1, 16)))
    wav.write_bytes(whole[:-1001])
    sound = read_wav(wav)
    assert len(sound.pcm) == (len(TONE) * 2 - 1001) // 2
    assert "cut short" in sound.note


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_an_unknown_length_takes_the_rest(wav: Path, size: int) -> None:
    head = b"RIFF" + struct.pack("<I", size) + b"WAVE" + fmt(1, 1, RATE, 16) + b"data" + struct.pack("<I", size)
    wav.write_bytes(head + encode(TONE, 1, 16))
    sound = read_wav(wav)
    assert len(sound.pcm) == len(TONE)
    assert "does not tell its length" in sound.note


def test_values_that_are_no_numbers_or_too_large_are_tamed(wav: Path) -> None:
    data = np.array([np.nan, np.inf, -np.inf, 1e300, 0.25]).astype("<f8").tobytes()
    wav.write_bytes(riff(fmt(3, 1, RATE, 64), chunk(b"data", data)))
    assert read_wav(wav).pcm.tolist() == [0, 32767, -32768, 32767, 8192]


@pytest.mark.parametrize(("raw", "what"), [
    (b"", "is empty"),
    (b"ID3\x04 an mp3 with the wrong name", "is not a WAV file"),
    (b"RIFF\0\0\0\0WAVE", "has no format"),
    (riff(fmt(1, 1, RATE, 16)), "has no sound"),
    (riff(chunk(b"data", b"1234"), fmt(1, 1, RATE, 16)), "before its format"),
    (riff(fmt(1, 1, RATE, 16), chunk(b"data", b"")), "holds no sound"),
    (riff(fmt(1, 1, RATE, 16), chunk(b"data", b""), chunk(b"LIST", b"abcd")), "holds no sound"),
    (riff(fmt(1, 0, RATE, 16), chunk(b"data", b"1234")), "0 channels"),
    (riff(fmt(1, 1000, RATE, 16), chunk(b"data", b"1234")), "1000 channels"),
    (riff(fmt(1, 1, 0, 16), chunk(b"data", b"1234")), "at 0 Hz"),
    (riff(fmt(1, 1, 0xFFFFFFF, 16), chunk(b"data", b"1234")), "Hz"),
    (riff(fmt(1, 1, RATE, 12 * 8), chunk(b"data", b"1234")), "96 bits"),
    (riff(fmt(2, 1, RATE, 4), chunk(b"data", b"1234")), "format 2"),
    (riff(fmt(0xFFFE, 1, RATE, 16), chunk(b"data", b"1234")), "extensible"),
    (riff(chunk(b"fmt ", b"12"), chunk(b"data", b"1234")), "cut short"),
    (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, RATE, 0, 3, 16)), chunk(b"data", b"1234")), "3 bytes"),
])  # fmt: skip
def test_what_cannot_be_played_says_why_in_a_line(wav: Path, raw: bytes, what: str) -> None:
    wav.write_bytes(raw)
    with pytest.raises(WavError, match=what) as caught:
        read_wav(wav)
    assert caught.value.path == wav
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_missing_folders_pipes_and_long_ones(tmp_path: Path, wav: Path) -> None:
    with pytest.raises(WavError, match="No such file"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(WavError, match="is not a file"):
        read_wav(tmp_path)
    os.mkfifo(tmp_path / "pipe.wav")  # opening it would wait for a writer for ever
    with pytest.raises(WavError, match="is not a file"):
        read_wav(tmp_path / "pipe.wav")
    wav.write_bytes(riff(fmt(1, 1, RATE, 16), chunk(b"data", bytes(RATE * 2 * 2))))
    with pytest.raises(WavError, match=r"2 s long; cut it to 1 s"):
        read_wav(wav, max_seconds=1)
    with wav.open("r+b") as file:
        file.truncate(300 << 20)
    with pytest.raises(WavError, match="300 MiB"):
        read_wav(wav)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_raises_anything_else(wav: Path, data: st.DataObject) -> None:
    raw = bytearray(riff(fmt(1, 2, 44_100, 16), chunk(b"LIST", b"1234"), chunk(b"data", bytes(400))))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, 60))
        raw[at : at + 2] = data.draw(st.binary(min_size=2, max_size=2))
    wav.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        sound = read_wav(wav)
    except WavError:
        return
    assert sound.pcm.dtype == np.int16
    assert sound.pcm.ndim == 1


def test_what_was_written_is_read_back_by_anyone(wav: Path) -> None:
    pcm = np.arange(-500, 500, dtype=np.int16)
    with WavWriter(wav, 22_050) as writer:
        for i in range(0, 1000, 70):
            writer.write(pcm[i : i + 70])
    writer.close()
    with wave.open(str(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (22_050, 1, 2)
        assert file.readframes(2000) == pcm.tobytes()
    np.testing.assert_array_equal(read_wav(wav, rate=22_050).pcm, pcm)


def test_a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_rights(tmp_path: Path) -> None:
    old = tmp_path / "old.wav"
    old.touch(0o644)
    old.chmod(0o644)
    for path, rights in ((tmp_path / "new.wav", 0o600), (old, 0o644)):
        with WavWriter(path, RATE) as writer:
            writer.write(np.zeros(10, np.int16))
        assert path.stat().st_mode & 0o777 == rights


def test_a_stream_is_written_without_going_back(tmp_path: Path) -> None:
    out, into = os.pipe()
    pcm = np.arange(-500, 500, dtype=np.int16)
    with WavWriter(Path("-"), RATE, patch_seconds=0.01, file=os.fdopen(into, "wb")) as writer:
        writer.write(pcm)
    with os.fdopen(out, "rb") as reader:
        (tmp_path / "a.wav").write_bytes(reader.read())
    sound = read_wav(tmp_path / "a.wav")
    np.testing.assert_array_equal(sound.pcm, pcm)
    assert "does not tell its length" in sound.note


def test_a_killed_writer_leaves_a_whole_file(wav: Path) -> None:
    code = f"""
import os, numpy as np
from pathlib import Path
from sophia.wav import WavWriter
w = WavWriter(Path({str(wav)!r}), 16000, patch_seconds=0.1)
for i in range(50):
    w.write(np.full(320, 7, np.int16))
os.kill(os.getpid(), {int(signal.SIGKILL)})
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == -signal.SIGKILL
    with wave.open(str(wav)) as file:
        assert file.getnframes() == 50 * 320
        assert set(file.readframes(50 * 320)) == {7, 0}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always full device")
def test_a_full_disk_surfaces() -> None:
    with pytest.raises(OSError, match="No space left"):
        WavWriter(Path("/dev/full"), RATE)


def test_a_disk_that_fills_up_surfaces_and_lets_go_of_the_file(wav: Path) -> None:
    code = f"""
import errno, resource, signal, numpy as np
from pathlib import Path
from sophia.wav import WavWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
w = WavWriter(Path({str(wav)!r}), 16000)
raised = []
try:
    for i in range(1000):
        w.write(np.ones(320, np.int16))
except OSError as error:
    raised.append(error.errno)
try:
    w.close()
except OSError as error:
    raised.append(error.errno)
assert raised and set(raised) == {{errno.EFBIG}}, raised
assert w._file.closed
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    assert len(read_wav(wav).pcm) > 16_000  # up to the last patch


def test_four_gibibytes_are_the_end(wav: Path) -> None:
    writer = WavWriter(wav, RATE)
    writer.samples = 0x7FFFFFFF - 100
    with pytest.raises(OSError, match="4 GiB"):
        writer.write(np.zeros(320, np.int16))
    writer.samples = 0
    writer.close()
