"""The scene's services as OpenAI's API has them, with the delays of :mod:`benchmarks.lab`; simulated.

What peers speak without help of ours: transcriptions of whole utterances, streamed chat completions, streamed speech.

    python -m benchmarks.peers.http_lab

It prints its address, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop
from aiohttp import web

from benchmarks.lab import QUESTION
from benchmarks.scene import DELAYS, SECONDS_A_WORD, TOKENS
from pipelines.simulation.paced import tone

RATE = 24_000
"""Hz, of OpenAI's ``pcm``."""


async def transcribe(request: web.Request) -> web.Response:
    """Knows what was said; the delay is counted from the last byte of the utterance."""
    await request.read()
    await asyncio.sleep(DELAYS.final)
    return web.json_response({"text": QUESTION})


async def complete(request: web.Request) -> web.StreamResponse:
    """Token by token."""
    await request.read()
    due = asyncio.get_running_loop().time() + DELAYS.first_token
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    told = {"id": "simulated", "object": "chat.completion.chunk", "created": 0, "model": "simulated"}
    for token in [*TOKENS, None]:
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        delta = {"role": "assistant", "content": token} if token else {}
        choice = {"index": 0, "delta": delta, "finish_reason": None if token else "stop"}
        await response.write(f"data: {json.dumps({**told, 'choices': [choice]})}\n\n".encode())
        due += DELAYS.token if token else 0
    await response.write(b"data: [DONE]\n\n")
    return response


async def speak(request: web.Request) -> web.StreamResponse:
    """Sound in pieces, faster than it is heard."""
    text = (await request.json())["input"]
    due = asyncio.get_running_loop().time() + DELAYS.first_sound
    response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
    await response.prepare(request)
    sound, piece = tone(RATE, len(text.split()) * SECONDS_A_WORD).tobytes(), 2 * round(DELAYS.piece * RATE)
    for start in range(0, len(sound), piece):
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        await response.write(sound[start : start + piece])
        due += DELAYS.piece / DELAYS.speed
    return response


async def main() -> None:
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/audio/transcriptions", transcribe)
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_post("/v1/audio/speech", speak)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main())
