"""What a conversation over a WebSocket costs beside the same one with a local source and sink.

Callers are in another process, in random phases, and send 20 ms at a time over plain loopback, as JSON with base64. The
services are :mod:`benchmarks.lab` in a third one, with exact delays: simulated. Both are measured in turns, several
times, in this process, which is bound to a processor of its own:

* ``cpu_ms_per_session_second``: processor time of this process. The difference is the server's: sockets, protocol,
  JSON, base64, the ear's and the voice's clock. It is taken from the mean of the local rounds before and after, for a
  machine's speed drifts by more than that.
* with ``--webrtc``, the same over WebRTC as well, where Opus, SRTP and ICE come in place of JSON and base64;
* ``added``: from the true end of what the user says to her first audible sample, at the local sink or at the caller,
  less what the services take. Both ends read one clock, as they are on one machine.

    python -m benchmarks.remote                         10 sessions, three rounds
    python -m benchmarks.remote --sessions 30 --seconds 30 --json remote.json
    python -m benchmarks.remote --webrtc
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from aiohttp import ClientSession, WSMsgType

from benchmarks.lab import running
from benchmarks.measure import Window, spread
from benchmarks.scene import Book, above_ideal, period, phase, script, speech, user
from benchmarks.wires import BEFORE, another_processor, settings_for
from pipelines.certs import make_development_pki
from pipelines.machine.environment import environment
from pipelines.server.serving import serving
from pipelines.talk.runtime import Runtime
from sophia.audio import EAR_RATE
from sophia.playout import AUDIBLE
from sophia.sinks import NullSink


async def measure(sessions: int, seconds: float, rounds: int, *, webrtc: bool = False) -> dict[str, Any]:
    """All kinds of session, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        make_development_pki(Path(folder))
        async with running(Path(folder), processor := another_processor()) as ports:
            settings = settings_for(ports, folder)
            server = settings.server.model_copy(update={"port": 0, "sessions": sessions})
            async with (
                Runtime(settings.model_copy(update={"server": server}), sessions=sessions) as runtime,
                serving(runtime) as address,
            ):
                gc.collect()
                gc.freeze()
                kinds: dict[str, list[dict[str, Any]]] = {
                    "local": [],
                    "remote": [],
                    **({"webrtc": []} if webrtc else {}),
                }
                for _ in range(rounds):
                    kinds["local"].append(await _local(runtime, sessions, seconds))
                    for name in list(kinds)[1:]:
                        found = await _remote(address, processor, sessions, seconds, webrtc=name == "webrtc")
                        kinds[name].append(found)
                kinds["local"].append(await _local(runtime, sessions, seconds))
    cpu = {name: [found["cpu_ms_per_session_second"] for found in kind] for name, kind in kinds.items()}
    waits = {name: [wait for found in kind for wait in found["added"]] for name, kind in kinds.items()}
    more = {
        called: _middle([there - sum(here) / 2 for here, there in zip(pairwise(cpu["local"]), cpu[name], strict=True)])
        for name, called in (("remote", "websocket"), ("webrtc", "calls"))
        if name in kinds
    }
    return {
        "machine": environment() | {"services": "simulated"},
        "sessions": sessions,
        "seconds": seconds,
        "rounds": rounds,
        "cpu_ms_per_session_second": {name: _middle(values) for name, values in cpu.items()} | more,
        "added": {name: spread(values) for name, values in waits.items()},
        "turns": {name: len(values) for name, values in waits.items()},
        "cut_off": {name: sum(found["cut_off"] for found in kind) for name, kind in kinds.items()},
    }


async def _local(runtime: Runtime, count: int, seconds: float) -> dict[str, Any]:
    talks, every, pcm = [], period(speech()), speech()
    for index in range(count):
        said = script(int((seconds + BEFORE + 4) / every) + 1, every, 0, pcm, every * index / count)
        caller = user(said, seconds + BEFORE + 10, phase=phase(index))
        book = Book(caller, said)
        talks.append((runtime.session(caller, NullSink(), [book]), book))
    async with asyncio.TaskGroup() as group:
        for talk, _ in talks:
            group.create_task(talk.run())
        await asyncio.sleep(BEFORE)
        window = Window()
        await window.run(seconds)
        for talk, _ in talks:
            talk.stop()
    books = [book for _, book in talks]
    added = [wait for book in books for turn in book.turns if (wait := book.added(turn)) is not None]
    return {**window.figures(count), "added": added, "cut_off": sum(book.false_cutoffs for book in books)}


async def _remote(
    address: str, processor: int | None, count: int, seconds: float, *, webrtc: bool = False
) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.remote", "--call", address]
    command += ["--webrtc"] if webrtc else []
    command += ["--sessions", str(count), "--seconds", str(seconds)]
    command += [] if processor is None else ["--cpu", str(processor)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    assert await process.stdout.readline() == b"here\n"
    await asyncio.sleep(BEFORE)
    window = Window()
    await window.run(seconds)
    told: dict[str, Any] = json.loads(await process.stdout.readline())
    await process.wait()
    return {**window.figures(count), **told}


# The callers' process


async def call(address: str, count: int, seconds: float, *, webrtc: bool = False) -> None:
    """All callers; prints what they found."""
    async with ClientSession() as client:
        if webrtc:
            from benchmarks.calls import callers  # noqa: PLC0415 - needs the extra webrtc

            found = await callers(client, address, count, seconds)
        else:
            sockets = [await client.ws_connect(f"{address}v1/realtime", max_msg_size=0) for _ in range(count)]
            print("here", flush=True)
            found = await asyncio.gather(*(_caller(socket, i, count, seconds) for i, socket in enumerate(sockets)))
    waits = [wait for one, _ in found for wait in one]
    print(json.dumps({"added": waits, "cut_off": sum(cut for _, cut in found)}), flush=True)


async def _caller(socket: Any, index: int, count: int, seconds: float) -> tuple[list[float], int]:
    """One caller, for so many seconds: what each turn took above the ideal, and how many of hers were cut off."""
    every, pcm = period(speech()), speech()
    said = script(int((seconds + BEFORE + 4) / every) + 1, every, 0, pcm, every * index / count)
    caller = user(said, seconds + BEFORE, phase=phase(index))
    audio = {"input": {"format": {"type": "audio/pcm", "rate": EAR_RATE}}}
    session = {"type": "realtime", "audio": audio}
    await socket.send_str(json.dumps({"type": "session.update", "session": session}))
    hearing = asyncio.create_task(_hear(socket))
    async for frame in caller.frames():
        sound = base64.b64encode(frame.pcm.astype("<i2").tobytes()).decode("ascii")
        await socket.send_str(json.dumps({"type": "input_audio_buffer.append", "audio": sound}))
    await socket.close()
    heard, cut_off = await hearing
    return above_ideal(caller, said, heard), cut_off


async def _hear(socket: Any) -> tuple[list[float], int]:
    """When the first audible sample of each reply came (``loop.time()``), and how many were cut off."""
    loop, heard, known, cut_off = asyncio.get_running_loop(), [], set(), 0
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        event, now = json.loads(message.data), loop.time()
        if event["type"] == "response.output_audio.delta" and event["item_id"] not in known:
            pcm = np.frombuffer(base64.b64decode(event["delta"]), "<i2")
            if (loud := np.flatnonzero(np.abs(pcm.astype(int)) >= AUDIBLE)).size:
                known.add(event["item_id"])
                heard.append(now + int(loud[0]) / 24_000)
        elif event["type"] == "response.done":
            cut_off += event["response"]["status"] == "cancelled"
    return heard, cut_off


def _middle(values: Sequence[float]) -> dict[str, float]:
    return {"p50": round(float(np.median(values)), 2), "least": round(min(values), 2), "most": round(max(values), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--webrtc", action="store_true", help="measure calls over WebRTC as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--call", help=argparse.SUPPRESS)
    parser.add_argument("--cpu", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.call:
        if args.cpu is not None:
            os.sched_setaffinity(0, {args.cpu})
        uvloop.run(call(args.call, args.sessions, args.seconds, webrtc=args.webrtc))
        return
    results = uvloop.run(measure(args.sessions, args.seconds, args.rounds, webrtc=args.webrtc))
    print(json.dumps(results))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
