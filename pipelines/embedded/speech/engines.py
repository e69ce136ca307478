"""Which speech synthesis engine this machine gets."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.embedded.speech.voices import Engine


def open_engine(model: Path | None = None) -> Engine:
    """The user's own ``model`` (sherpa-onnx), else flite, else espeak-ng; says on standard error why not flite.

    Raises ``RuntimeError`` when none can be had.
    """
    if model is not None:
        from pipelines.embedded.speech.sherpa import SherpaEngine  # noqa: PLC0415  # an extra

        return SherpaEngine(model)
    from pipelines.embedded.speech.flite import FliteEngine  # noqa: PLC0415  # loads C libraries

    try:
        return FliteEngine()
    except OSError as error:
        print(
            f"flite is not installed ({error}); speaking with espeak-ng. For the better voice: "
            "sudo apt-get install libflite1",
            file=sys.stderr,
        )
    from pipelines.embedded.speech.espeak import EspeakEngine  # noqa: PLC0415

    return EspeakEngine()
