"""A blocking synthesis on a thread as an asynchronous generator of its pieces."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor

from pipelines.embedded.speech.voice.voices import Piece

Emit = Callable[[Piece], None]


async def pieces_from(threads: Executor, work: Callable[[Emit, threading.Event], None]) -> AsyncGenerator[Piece, None]:
    """What ``work`` emits on one of ``threads``; raises what it raises. The queue is bounded by what it has to say.

    Closing the generator sets the event, at which ``work`` has to return.
    """
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[Piece | None] = asyncio.Queue()
    stop = threading.Event()

    def emit(piece: Piece | None) -> None:
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

    def run() -> None:
        try:
            if not stop.is_set():
                work(emit, stop)
        finally:
            emit(None)

    done = loop.run_in_executor(threads, run)
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        await done
    finally:
        stop.set()
