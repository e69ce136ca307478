"""Word error rate, speed and latency of the embedded recogniser, measured through its gRPC server over TLS.

    python benchmarks/wer.py [--soundbites DIR] [--json FILE] [--voices 3] [--flite] [--engine pocketsphinx]
                             [--at-once 1] [--fast]

The embedded voice speaks the synthetic set, 36 sentences in each of its timbres. A third of them are (nearly) in
pocketsphinx' own corpus, a third from the same domain in other words, a third from outside. ``--flite`` adds the
fallback's voice, ``--soundbites`` people: a folder with WAV files and a ``manifest.csv`` (columns ``file`` and
``transcript``). Sound is paced in real time, 20 ms at a time, so that latencies mean something. ``--fast`` feeds it at
once and measures errors and throughput only.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
import numpy as np
import soxr
from riva.client.proto import riva_asr_pb2 as pb
from riva.client.proto.riva_asr_pb2_grpc import RivaSpeechRecognitionStub

from benchmarks.processes import cpu_seconds, tree
from pipelines.certs import make_development_pki
from pipelines.embedded.speech.prepare import build_language_model
from pipelines.embedded.speech.voice.engines import open_engine
from pipelines.embedded.speech.voice.flite import FliteEngine
from pipelines.embedded.speech.voice.voices import Engine
from pipelines.home import home
from pipelines.scenarios.words import word_errors

RATE = 16_000
FRAME = RATE // 50
TAIL_SECONDS = 1.2  # of silence after each clip: the final must come out of it
LEAD_SECONDS = 0.3
VOICES = ["English-US.Male-1", "English-US.Male-2", "English-US.Female-1"]

SENTENCES = {
    "seen": """hello sophia who are you|what can you do for me|what time is it in london|go forward ten meters
        what is seventeen times twenty three|tell me a story about a robot|what did i just say|how are you doing today
        could you repeat that please|what is the weather like in paris|turn left ninety degrees
        please tell me a joke""",
    "held": """could you tell me what day it is|i would really like to hear a joke now|what is forty two plus nineteen
        sophia what can i ask you|how warm will it be in berlin tomorrow|please stop talking and wait
        do you remember what i said before|go back three meters and turn right|how many feet are in seven miles
        wake me up at a quarter past six|what kind of stories do you know|can you say that a little slower""",
    "outside": """the old man walked slowly along the river|she bought a new coat at the market
        the committee will discuss the budget on thursday|a small dog was sleeping under the table
        the train to the north leaves from platform two|nobody could explain why the engine had failed
        he opened the letter and read it twice|the children were playing in the garden|her brother works in a hospital
        we need more evidence before we decide|the price of oil has fallen again this year
        they built a bridge across the valley""",
}


@dataclass(frozen=True)
class Clip:
    """Something said: its set, its sound at 16 kHz and its words."""

    group: str
    text: str
    pcm: bytes

    @property
    def seconds(self) -> float:
        return len(self.pcm) / (2 * RATE)


@dataclass
class Score:
    """What a group of clips came to. Latencies in ms after the last sample of speech was sent."""

    clips: int = 0
    words: int = 0
    errors: int = 0
    exact: int = 0
    stable_equals_final: int = 0
    seconds: float = 0.0
    stable_ms: list[float] = field(default_factory=list)
    final_ms: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float | int | None]:
        def at(values: list[float], q: float) -> float | None:
            return round(float(np.percentile(values, q)), 1) if values else None

        return {
            "clips": self.clips,
            "words": self.words,
            "wer_percent": round(100 * self.errors / max(1, self.words), 1),
            "exact_percent": round(100 * self.exact / max(1, self.clips), 1),
            "stable_equals_final_percent": round(100 * self.stable_equals_final / max(1, self.clips), 1),
            "stable_ms_median": at(self.stable_ms, 50),
            "stable_ms_p95": at(self.stable_ms, 95),
            "final_ms_median": at(self.final_ms, 50),
            "final_ms_p95": at(self.final_ms, 95),
        }


async def synthetic(engine: Engine, voices: Sequence[str]) -> list[Clip]:
    """All sentences in each of the voices, which go by Riva's names. Closes the engine."""
    clips = []
    for voice in voices:
        for group, block in SENTENCES.items():
            for text in (s.strip() for line in block.split("\n") for s in line.split("|")):
                pcm = np.concatenate([piece.pcm async for piece in engine.speak(text, voice)])
                if engine.rate != RATE:
                    pcm = soxr.resample(pcm, engine.rate, RATE)
                clips.append(Clip(f"{engine.voices[voice]} {group}", text, pcm.astype("<i2").tobytes()))
    await engine.aclose()
    return clips


def soundbites(folder: Path) -> Iterator[Clip]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            with wave.open(str(folder / row["file"])) as sound:
                pcm = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
                rate = sound.getframerate()
            if rate != RATE:
                pcm = soxr.resample(pcm, rate, RATE)
            yield Clip("people", row["transcript"].lower(), pcm.astype("<i2").tobytes())


@asynccontextmanager
async def serving(streams: int = 1, prepared: Path | None = None) -> AsyncIterator[tuple[grpc.aio.Channel, int]]:
    """The server as a process, and a TLS channel to it; also its process id. Its models lie in ``prepared``."""
    with tempfile.TemporaryDirectory() as folder:
        pki = Path(folder)
        make_development_pki(pki)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pipelines.embedded.speech", "--tls", folder, "--home", str(prepared or home()),
            "--streams", str(streams), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            ready = json.loads(await process.stdout.readline())["ready"]
            credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
            async with grpc.aio.secure_channel(f"localhost:{ready['port']}", credentials) as channel:
                yield channel, process.pid
        finally:
            process.terminate()
            await process.wait()


def noisy(pcm: bytes, seed: int) -> bytes:
    """The clip between silences, over the hiss of a quiet room: a microphone never gives digital silence."""
    lead, tail = bytes(2 * int(LEAD_SECONDS * RATE)), bytes(2 * int(TAIL_SECONDS * RATE))
    samples = np.frombuffer(lead + pcm + tail, "<i2").astype(float)
    samples += np.random.default_rng(seed).normal(0, 12, len(samples))
    data: bytes = np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
    return data


async def recognise(
    stub: RivaSpeechRecognitionStub, clips: list[Clip], scores: dict[str, Score], *, fast: bool
) -> None:
    """Says clips one after another on one stream, as one speaker with one microphone."""
    config = pb.RecognitionConfig(
        encoding="LINEAR_PCM", sample_rate_hertz=RATE, language_code="en-US", verbatim_transcripts=True
    )
    call = stub.StreamingRecognize()
    streaming = pb.StreamingRecognitionConfig(config=config, interim_results=True)
    await call.write(pb.StreamingRecognizeRequest(streaming_config=streaming))
    sounds = [noisy(clip.pcm, i) for i, clip in enumerate(clips)]
    ends, at = [], 0.0  # seconds of the stream at which each clip's last speech sample lies
    for clip, sound in zip(clips, sounds, strict=True):
        ends.append(at + LEAD_SECONDS + clip.seconds)
        at += len(sound) / (2 * RATE)
    begin = time.perf_counter()

    async def feed() -> None:
        stream = b"".join(sounds)
        for i in range(0, len(stream), 2 * FRAME):
            if not fast:
                await asyncio.sleep(max(0.0, begin + (i + 2 * FRAME) / (2 * RATE) - time.perf_counter()))
            await call.write(pb.StreamingRecognizeRequest(audio_content=stream[i : i + 2 * FRAME]))
        await call.done_writing()

    finals: list[list[str]] = [[] for _ in clips]
    stables: list[str] = ["" for _ in clips]
    arrived: dict[int, float] = {}
    first_stable: dict[int, float] = {}
    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        async for response in call:
            now = time.perf_counter() - begin
            for result in response.results:
                place = next(
                    (i for i, end in enumerate(ends) if result.audio_processed < end + TAIL_SECONDS), len(ends) - 1
                )
                text = result.alternatives[0].transcript.strip()
                if result.is_final:
                    finals[place].append(text)
                    arrived[place] = 1000 * (now - ends[place])
                elif result.stability == 1.0 and result.audio_processed > ends[place]:
                    stables[place] = text
                    first_stable.setdefault(place, 1000 * (now - ends[place]))
    for i, clip in enumerate(clips):
        score = scores.setdefault(clip.group, Score())
        heard = " ".join(finals[i])
        wrong, words = word_errors(clip.text, heard)
        score.clips += 1
        score.words += words
        score.errors += wrong
        score.exact += wrong == 0
        score.seconds += clip.seconds
        score.stable_equals_final += bool(finals[i]) and stables[i] == finals[i][-1]
        if not fast and i in arrived:
            score.final_ms.append(arrived[i])
            if i in first_stable:
                score.stable_ms.append(first_stable[i])
        if wrong:
            print(f"  {clip.group}: {clip.text!r} -> {heard!r}", file=sys.stderr)


async def run(args: argparse.Namespace) -> dict[str, object]:
    clips = await synthetic(open_engine(), VOICES[: args.voices])
    if args.flite:
        clips += await synthetic(FliteEngine(), VOICES[:1])
    if args.soundbites:
        clips += soundbites(args.soundbites)
    scores: dict[str, Score] = {}
    # People differ in voice and microphone: each clip is a stream of its own. A synthetic voice is one speaker, and
    # one stream where there is one at a time.
    apart = [[clip] for clip in clips if clip.group == "people" or args.at_once > 1]
    speakers = () if args.at_once > 1 else dict.fromkeys(c.group.split()[0] for c in clips if c.group != "people")
    streams = [[clip for clip in clips if clip.group.split()[0] == speaker] for speaker in speakers] + apart
    room = asyncio.Semaphore(args.at_once)
    prepared = home()
    if args.engine == "pocketsphinx":
        prepared /= "pocketsphinx"  # a home without the other's model
        build_language_model(prepared, print)
    async with serving(args.at_once, prepared) as (channel, pid):
        stub = RivaSpeechRecognitionStub(channel)

        async def say(stream: list[Clip]) -> None:
            async with room:
                await recognise(stub, stream, scores, fast=args.fast)

        async with asyncio.TaskGroup() as group:
            for stream in streams:
                group.create_task(say(stream))
        cpu = cpu_seconds(tree(pid))
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_average_1min": round(os.getloadavg()[0], 2),
        "engine": args.engine,
        "paced": not args.fast,
        "at_once": args.at_once,
        "cpu_seconds": round(cpu, 1),
        "cpu_per_second_of_speech": round(cpu / sum(s.seconds for s in scores.values()), 3),
        "groups": {name: score.summary() for name, score in scores.items()},
        "latencies": {name: asdict(score)["final_ms"] for name, score in scores.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soundbites", type=Path, metavar="DIR", help="a folder of human speech with manifest.csv")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--voices", type=int, default=3, choices=(1, 2, 3), help="how many timbres (default 3)")
    parser.add_argument("--flite", action="store_true", help="flite says the sentences, too, in its first male voice")
    parser.add_argument("--engine", default="moonshine", choices=("moonshine", "pocketsphinx"), help="who listens")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="streams side by side (default 1)")
    parser.add_argument("--fast", action="store_true", help="do not pace: errors and throughput only")
    args = parser.parse_args()
    result = asyncio.run(run(args))
    groups = result["groups"]
    assert isinstance(groups, dict)
    print(f"{'group':<14}{'WER %':>7}{'exact %':>9}{'stable=final %':>16}{'stable ms':>11}{'final ms':>10}{'p95':>8}")
    for name, s in groups.items():
        print(
            f"{name:<14}{s['wer_percent']:>7}{s['exact_percent']:>9}{s['stable_equals_final_percent']:>16}"
            f"{s['stable_ms_median'] or '-':>11}{s['final_ms_median'] or '-':>10}{s['final_ms_p95'] or '-':>8}"
        )
    wers = [float(s["wer_percent"]) for s in groups.values()]
    print(
        f"median of groups {statistics.median(wers):.1f} %, CPU {result['cpu_per_second_of_speech']} s per s of speech"
    )
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
