"""``python -m pipelines.embedded.speech``: the speech service as a process, or its set-up with ``--prepare``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipelines.embedded import child
from pipelines.embedded.speech.languages import AUTO, ENGLISH, GERMAN, served
from pipelines.embedded.speech.prepare import prepare, prepared_ears, prepared_styles, prepared_whisper

_LANGUAGE = "en-US; or de-DE, or auto for both, where the extra 'german' is installed"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _prepare() -> None:
    """``--prepare`` is a command of its own: it needs no certificates."""
    parser = argparse.ArgumentParser(description="makes ready what the speech service needs")
    parser.add_argument("--prepare", action="store_true", required=True)
    parser.add_argument("--home", type=Path, metavar="DIR", required=True, help="where prepared data is kept")
    parser.add_argument("--language", default=ENGLISH, help=_LANGUAGE)
    args = parser.parse_args()
    try:
        prepare(args.home, _say, args.language)
    except RuntimeError as error:
        parser.exit(1, f"{error}\n")


def main() -> None:
    """Reads the options, prepares or serves."""
    if "--prepare" in sys.argv:
        _prepare()
        return
    parser = child.parser("Riva-compatible speech recognition and synthesis without Riva")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where prepared data is kept")
    parser.add_argument("--prepare", action="store_true", help="only make ready what the service needs under --home")
    parser.add_argument("--language", default=ENGLISH, help=_LANGUAGE)
    parser.add_argument("--streams", type=int, metavar="N", help="recognition streams at a time, more are refused")
    parser.add_argument("--asr-model", type=Path, metavar="DIR", help="a streaming model of your own for sherpa-onnx")
    parser.add_argument("--tts-model", type=Path, metavar="DIR", help="a voice of your own for sherpa-onnx")
    args = parser.parse_args()

    from pipelines.embedded.speech.service import SpeechOptions, serve  # noqa: PLC0415  # 0.3 s that --prepare saves

    language = served(args.language)
    moonshine, whisper, model = None, None, None
    try:
        if args.asr_model:
            pass
        elif language in (GERMAN, AUTO):
            whisper = prepared_whisper(args.home)
        else:
            moonshine, model = prepared_ears(args.home)
            if not (moonshine or model):
                _say("the recogniser is not prepared; pocketsphinx listens with its general model (see --prepare)")
    except RuntimeError as error:
        child.announce_failed(str(error))
    styles = prepared_styles(args.home)
    options = SpeechOptions(moonshine, whisper, model, args.asr_model, args.tts_model, styles, language=language)
    if args.streams is not None:
        options = replace(options, streams=max(1, args.streams))
    child.run(partial(serve, child.options(args), options))


if __name__ == "__main__":
    main()
