"""What expected words do (``speech_contexts``): names that are found, and what is heard where no name is.

    python benchmarks/boosting.py [--boost 0 5 10 100] [--crowd 300] [--soundbites DIR] [--json FILE]

The embedded voice says sentences with names of a lab and its people, and the plain sentences of ``benchmarks/wer.py``.
The embedded recogniser hears them through its gRPC server over TLS. ``--crowd`` boosts so many made-up names besides,
that nobody says: a long list must not do harm. ``--soundbites`` adds people who say no name.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soxr
from riva.client.proto import riva_asr_pb2 as pb
from riva.client.proto.riva_asr_pb2_grpc import RivaSpeechRecognitionStub

from benchmarks.processes import cpu_seconds, tree
from benchmarks.wer import RATE, SENTENCES, Clip, serving, soundbites
from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.voices import DEFAULT_VOICE
from pipelines.scenarios.words import word_errors

NAMES = """Nova|Audio2Face|Aurora|Omniverse|Riva|Jetson|Triton|Franka|Grace Blackwell|Kowalczyk|Siobhan|URDF|NIM|Grafana
    AGV|Isaac Sim|Sophia|Cosmos Reason|Xiomara|Prometheus|Ludmila|Nuremberg|Kubernetes|Nemotron"""
NAMED = """Ask Nova what the time is.|Open Audio2Face and load Aurora.|Start Omniverse on the Spark.
    Is Riva running on the Jetson?|Restart Triton, please.|Turn the Franka arm by ten degrees.
    How hot is the Grace Blackwell?|Send Doctor Kowalczyk a message.|Call Siobhan at noon.
    Show me the URDF of the robot.|Is NIM up?|What does Grafana say?|Put it on the AGV.|Tell Aurora to smile.
    Where is Nova?|Play the Isaac Sim demo.
    Sophia, what is nine times eight?|Load Cosmos Reason.|Call Xiomara.|Is Prometheus scraping?
    Ask Ludmila about the bracket.|Order the Nuremberg part.|Show Kubernetes.|Start Nemotron."""


def parts(block: str) -> list[str]:
    return [part.strip() for line in block.split("\n") for part in line.split("|")]


async def said(texts: Sequence[str]) -> list[Clip]:
    engine = open_engine()
    clips = []
    for text in texts:
        pcm = np.concatenate([piece.pcm async for piece in engine.speak(text, DEFAULT_VOICE)])
        clips.append(Clip(engine.name, text, soxr.resample(pcm, engine.rate, RATE).astype("<i2").tobytes()))
    await engine.aclose()
    return clips


async def heard(
    stub: RivaSpeechRecognitionStub, clips: Sequence[Clip], phrases: Sequence[str], boost: float
) -> list[str]:
    config = pb.RecognitionConfig(
        encoding="LINEAR_PCM", sample_rate_hertz=RATE, language_code="en-US", enable_automatic_punctuation=True
    )
    if boost:
        config.speech_contexts.add(phrases=phrases, boost=boost)
    texts = []
    for clip in clips:
        answer = await stub.Recognize(pb.RecognizeRequest(config=config, audio=clip.pcm), timeout=60)
        texts.append(" ".join(result.alternatives[0].transcript.strip() for result in answer.results))
    return texts


def count(names: Sequence[str], text: str) -> int:
    return sum(len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text)) for name in names)


def crowd(size: int) -> list[str]:
    """Made-up names of two to four syllables; the same ones each time."""
    chance = random.Random(1)
    syllables = [consonant + vowel for consonant in "bcdfghlmnprst" for vowel in "aeiou"]
    return ["".join(chance.choices(syllables, k=chance.randint(2, 4))).capitalize() for _ in range(size)]


async def run(args: argparse.Namespace) -> dict[str, object]:
    names = parts(NAMES)
    named = await said(parts(NAMED))
    plain = await said([text for block in SENTENCES.values() for text in parts(block)])
    plain += soundbites(args.soundbites) if args.soundbites else []
    asked = sum(count(names, clip.text) for clip in named)
    rows = []
    for boost in args.boost:
        async with serving() as (channel, process):
            stub = RivaSpeechRecognitionStub(channel)
            before = cpu_seconds(tree(process))
            phrases = names + crowd(args.crowd)
            found = await heard(stub, named, phrases, boost)
            others = await heard(stub, plain, phrases, boost)
            seconds = cpu_seconds(tree(process)) - before
        errors = [word_errors(clip.text, text) for clip, text in zip(plain, others, strict=True)]
        for clip, text in zip(named, found, strict=True):
            if count(names, text) < count(names, clip.text):
                print(f"  boost {boost:g}: {clip.text!r} -> {text!r}")
        rows.append(
            {
                "boost": boost,
                "found": sum(
                    min(count(names, clip.text), count(names, text)) for clip, text in zip(named, found, strict=True)
                ),
                "of": asked,
                # A name that is said there as well is none too many.
                "false": sum(
                    max(0, count(names, text) - count(names, clip.text.title()))
                    for clip, text in zip(plain, others, strict=True)
                ),
                "wer_percent": round(100 * sum(wrong for wrong, _ in errors) / sum(words for _, words in errors), 1),
                "cpu_per_second_of_speech": round(seconds / sum(clip.seconds for clip in named + plain), 3),
            }
        )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "names": len(names),
        "crowd": args.crowd,
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boost", type=float, nargs="+", default=[0, 5, 10, 100], help="default: 0 5 10 100")
    parser.add_argument("--crowd", type=int, default=0, metavar="N", help="boost N made-up names besides (default 0)")
    parser.add_argument("--soundbites", type=Path, metavar="DIR", help="a folder of human speech with manifest.csv")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    result = asyncio.run(run(args))
    rows = result["rows"]
    assert isinstance(rows, list)
    print(f"{'boost':>6}{'names found':>13}{'false names':>13}{'WER % without names':>21}{'CPU s/s':>9}")
    for row in rows:
        found = f"{row['found']} of {row['of']}"
        print(
            f"{row['boost']:>6g}{found:>13}{row['false']:>13}{row['wer_percent']:>21}{row['cpu_per_second_of_speech']:>9}"
        )
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
