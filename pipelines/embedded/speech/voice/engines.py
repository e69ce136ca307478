"""Which speech synthesis engine this machine gets."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.embedded.speech.languages import ENGLISH, GERMAN
from pipelines.embedded.speech.voice.voices import Engine


def open_engine(model: Path | None = None, styles: Path | None = None, language: str = ENGLISH) -> Engine:
    """The user's own ``model`` (sherpa-onnx), else hibari, else flite; says on standard error why not hibari.

    ``styles`` is the folder of Kokoro's speakers, who speak beside hibari then. German has Pico alone.

    Raises ``RuntimeError`` when none can be had.
    """
    if model is not None:
        from pipelines.embedded.speech.sherpa import SherpaEngine  # noqa: PLC0415  # an extra

        return SherpaEngine(model)
    if language == GERMAN:
        from pipelines.embedded.speech.german.pico import PicoEngine  # noqa: PLC0415  # an extra

        return PicoEngine()
    from pipelines.embedded.speech.voice.hibari import HibariEngine  # noqa: PLC0415  # what is not used is not loaded

    if styles is not None:
        try:
            return HibariEngine(styles)
        except RuntimeError as error:
            print(f"Kokoro's speakers are left out: {error}", file=sys.stderr)
    try:
        return HibariEngine()
    except RuntimeError as error:
        why = str(error)
    from pipelines.embedded.speech.voice.flite import FliteEngine  # noqa: PLC0415  # loads C libraries

    try:
        engine = FliteEngine()
    except OSError as error:
        raise RuntimeError(f"there is no voice: {why}; {error}: sudo apt-get install libflite1") from None
    print(f"the worse voice, flite, speaks: {why}", file=sys.stderr)
    return engine
