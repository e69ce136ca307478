"""Tells by its first bytes that a file is none of what the recogniser reads. Pure.

Compressed sound taken for samples is noise, and noise is answered without a word and without an error.
"""

from __future__ import annotations

from collections.abc import Sequence

SNIFFED = 12
"""Bytes that :func:`container` wants at least; it makes use of more."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg (Opus, Vorbis or FLAC)"),
    (0, b"ID3", "MP3"),
    (0, b"RIFX", "a big-endian WAV file"),
    (0, b"RF64", "a 64-bit WAV file"),
    (0, b"BW64", "a 64-bit WAV file"),
    (0, b"riff\x2e\x91\xcf\x11", "a Sony Wave64 file"),
    (0, b"RIFF", "a RIFF file that is not WAV"),
    (0, b"FORM", "AIFF"),
    (0, b"caff", "Apple's CAF"),
    (0, b".snd", "a Sun AU file"),
    (0, b"NIST_1A", "a NIST SPHERE file"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"#!AMR", "AMR"),
    (0, b"\x1a\x45\xdf\xa3", "WebM or Matroska"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (0, b"\x1f\x8b\x08", "a gzip file"),
    (0, b"PK\x03\x04", "a zip file"),
    (4, b"ftyp", "MP4 or M4A"),
)
_ADTS_LAYER, _LAYER_3, _LAYER_2 = 0, 1, 2  # two bits of a frame header; 3 is layer I, which looks like a sample of -1
_MPEG_1 = 3
_KBITS = {
    (True, _LAYER_3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, _LAYER_2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, _LAYER_3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, _LAYER_2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates of ISO 11172-3 (true: MPEG-1) and 13818-3, index 1 to 14."""
_RATES = (44_100, 48_000, 32_000)


def container(head: bytes) -> str | None:
    """What a file that begins with ``head`` is, if it is surely no raw sound; ``None`` if it may be."""
    for at, magic, name in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return name
    size = _mpeg_frame(head)
    # A sample may look like one header, but hardly like the next at just its distance.
    if size and len(head) >= size + 4 and _mpeg_frame(head[size:]):
        return "MP3 or AAC"
    return None


def _mpeg_frame(head: Sequence[int]) -> int:
    """The length in bytes of the MPEG audio or ADTS frame that begins here, 0 if none does."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    if layer == _ADTS_LAYER and head[1] & 0xF0 == 0xF0:
        return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    bits, rate = head[2] >> 4, (head[2] >> 2) & 3
    if layer not in (_LAYER_2, _LAYER_3) or version == 1 or not 1 <= bits <= 14 or rate == 3:
        return 0
    first = version == _MPEG_1
    hertz = _RATES[rate] // (1 if first else 2 if version == 2 else 4)
    samples = 72 if layer == _LAYER_3 and not first else 144
    return samples * 1000 * _KBITS[first, layer][bits - 1] // hertz + ((head[2] >> 1) & 1)
