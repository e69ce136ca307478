"""Callers of any of the servers, in a process of their own; prints ``here``, and at the end what they found, as JSON.

``realtime`` is OpenAI's protocol; ``raw`` is a WebSocket whose messages are samples. An answer is what can be heard
after a second of silence of hers.

    python -m benchmarks.peers.callers URL --dialect realtime --sessions 5 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
from collections.abc import Sequence

import numpy as np
import uvloop
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from benchmarks.scene import IDEAL, phase, script, speech, user
from pipelines.simulation.exact import Says, SimulatedUser
from sophia.audio import EAR_RATE, Pcm
from sophia.playout import AUDIBLE
from sophia.resampling import Resampler

NEXT_REPLY = 1.0
"""Seconds of silence after which what can be heard is another reply."""

RATE = 24_000
"""Hz of what the servers say, and of what they hear in OpenAI's protocol, which knows no other."""

PCM = {"type": "audio/pcm", "rate": RATE}

WAIT = 6.5
"""Seconds from the end of a question to the next one: whoever thinks that it goes on waits 3 s, and speaks for 1.6."""

WARM_UP = 16.0
"""Seconds before questions count: some load models when they are first asked."""

EARLY = 0.003
"""Seconds before the end of a frame at which a question ends: filters on both sides move it by 2 ms, and no further."""


class Caller:
    """One of them; ``index`` of ``count``."""

    def __init__(self, socket: ClientWebSocketResponse, dialect: str) -> None:
        self._socket = socket
        self._realtime = dialect == "realtime"
        self._heard: list[float] = []
        self._resampler = Resampler(EAR_RATE, RATE)
        self._end = 0.0  # when what was heard so far is over

    async def talk(self, index: int, count: int, seconds: float) -> dict[str, object]:
        """Talks for so many seconds."""
        pcm = speech()
        every = WAIT + len(pcm) / EAR_RATE
        said = script(int((seconds + WARM_UP + 4) / every) + 1, every, 0, pcm, every * index / count, early=EARLY)
        caller = user(said, seconds + WARM_UP, phase=phase(index))
        if self._realtime:
            session = {"type": "realtime", "audio": {"input": {"format": PCM}, "output": {"format": PCM}}}
            await self._socket.send_str(json.dumps({"type": "session.update", "session": session}))
        hearing = asyncio.create_task(self._hear())
        async for frame in caller.frames():
            await self._say(frame.pcm)
        until = asyncio.get_running_loop().time()
        await self._socket.close()
        await hearing
        return judged(caller, said, self._heard, until)

    async def _say(self, pcm: Pcm) -> None:
        if self._realtime:
            sound = self._resampler.resample(pcm).astype("<i2").tobytes()
            event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode("ascii")}
            await self._socket.send_str(json.dumps(event))
        else:
            await self._socket.send_bytes(pcm.astype("<i2").tobytes())

    async def _hear(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                self._take(np.frombuffer(message.data, "<i2"))
            elif message.type is WSMsgType.TEXT:
                event = json.loads(message.data)
                if event["type"] == "response.output_audio.delta":
                    self._take(np.frombuffer(base64.b64decode(event["delta"]), "<i2"))
                elif event["type"] == "error":
                    raise SystemExit(message.data)

    def _take(self, pcm: Pcm) -> None:
        now = asyncio.get_running_loop().time()
        if (loud := np.flatnonzero(np.abs(pcm.astype(int)) >= AUDIBLE)).size:
            if now > self._end + NEXT_REPLY:
                self._heard.append(now + int(loud[0]) / RATE)
            self._end = max(now, self._end) + len(pcm) / RATE


def judged(caller: SimulatedUser, said: Sequence[Says], heard: Sequence[float], until: float) -> dict[str, object]:
    """Seconds above the ideal of each answer, how many questions were answered too early, and how many not at all."""
    spans = [(caller.started + says.at, caller.started + says.at + says.length) for says in said if says.at > WARM_UP]
    spans = [(begin, end) for begin, end in spans if end + WAIT < until]
    answers = [next((time for time in heard if end < time < end + WAIT), None) for _, end in spans]
    return {
        "added": [time - end - IDEAL for time, (_, end) in zip(answers, spans, strict=True) if time is not None],
        "cut_off": sum(any(begin < time <= end for time in heard) for begin, end in spans),
        "missed": sum(time is None for time in answers),
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--dialect", choices=("realtime", "raw"), required=True)
    parser.add_argument("--sessions", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args()
    async with ClientSession() as client:
        sockets = [await client.ws_connect(args.url, max_msg_size=0) for _ in range(args.sessions)]
        callers = [Caller(socket, args.dialect) for socket in sockets]
        print("here", flush=True)
        talks = (one.talk(index, len(callers), args.seconds) for index, one in enumerate(callers))
        print(json.dumps(await asyncio.gather(*talks)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
