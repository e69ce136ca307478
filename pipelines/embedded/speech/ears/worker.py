"""The recognition process: loads the models once and forks a child for each stream.

Started by :mod:`pipelines.embedded.speech.ears.workers` with one end of a socket pair as its control socket. It answers
``ready`` when the models are loaded. Each message on the control socket then carries the socket of a new stream. One
without a socket asks for a sign of life, and has the same answer. A forked child shares the models' memory (copy on
write) and is ready within 10 ms. It ends when its socket closes, which also happens when the service is killed.
Single-threaded and free of gRPC, so that forking is safe.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from pipelines.command.parent import die_with_parent
from pipelines.embedded.speech.ears import frames
from pipelines.embedded.speech.ears.boosting import Boosts
from pipelines.embedded.speech.ears.endpointing import Endpointing
from pipelines.embedded.speech.ears.listening import Listener, Transcriber
from pipelines.embedded.speech.languages import GERMAN

MOST_DECODERS = 4
"""Threads that decode whole utterances, on a machine with so many processors: services beside this one want some."""


Make = Callable[[Boosts], Transcriber]
"""Makes a stream's transcriber, which is to expect some phrases."""


def serve_stream(stream: socket.socket, make: Make) -> None:
    """Recognises one stream until its end or its socket's."""
    unpacker = frames.Unpacker()
    listener: Listener | None = None
    transcriber: Transcriber | None = None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while data := stream.recv(1 << 16):
            for kind, payload in unpacker.feed(data):
                if listener is None:
                    settings = json.loads(payload)
                    endpointing = Endpointing(**settings["endpointing"])
                    transcriber = make(settings["boosts"])
                    listener = Listener(transcriber, endpointing, patient=settings["patient"])
                    continue
                if kind == frames.AUDIO:
                    results = listener.hear(payload)
                elif kind == frames.END_UTTERANCE:
                    results = listener.finish_utterance()
                else:
                    results = listener.close()
                for heard in results:
                    stream.sendall(frames.pack_result(heard))
                if kind == frames.CLOSE:
                    stream.sendall(frames.pack(frames.DONE))
                    return
    if transcriber is not None:
        transcriber.abandon()


def _guarded(stream: socket.socket, make: Make) -> None:
    """Serves a stream; a failure is told to the service, which has the client to tell."""
    try:
        serve_stream(stream, make)
    except Exception as error:
        with contextlib.suppress(OSError):
            stream.sendall(frames.pack(frames.FAILED, f"{type(error).__name__}: {error}".encode()))
        raise
    finally:
        stream.close()


def _reap(_signal: int, _frame: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _streams(control: socket.socket) -> Iterator[int]:
    """The descriptors of new streams, until the control socket closes; answers what only asks for a sign of life."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if not descriptors:
            control.sendall(frames.pack(frames.DONE))
        yield from descriptors


def serve_by_forking(control: socket.socket, make: Make) -> None:
    """Forks a child for each socket that arrives; returns when the control socket closes."""
    signal.signal(signal.SIGCHLD, _reap)
    for arrived in _streams(control):
        if os.fork() == 0:
            code = 1
            try:
                die_with_parent()
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # this one waits for its second passes itself
                _guarded(socket.socket(fileno=arrived), make)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(arrived)


def serve_by_threads(control: socket.socket, make: Make) -> None:
    """The same with a thread for each stream: for engines that release the GIL and must not be forked."""
    for arrived in _streams(control):
        stream = socket.socket(fileno=arrived)
        threading.Thread(target=_guarded, args=(stream, make), daemon=True).start()


def _moonshine(folder: Path) -> Make:
    import numpy as np  # noqa: PLC0415  # what is not used is not loaded

    from pipelines.embedded.speech.ears.decoders import Decoders  # noqa: PLC0415
    from pipelines.embedded.speech.ears.moonshine import RATE, Moonshine, is_noise  # noqa: PLC0415
    from pipelines.embedded.speech.ears.whole_utterance import WholeUtterance  # noqa: PLC0415

    model = Moonshine(folder)
    model.decode(np.zeros(RATE, np.int16))  # the first time is slow
    decoders = Decoders(_threads())
    return lambda boosts: WholeUtterance(partial(model.decode, phrases=model.phrases(boosts)), decoders, is_noise)


def _whisper(folder: Path, languages: Sequence[str]) -> Make:
    import numpy as np  # noqa: PLC0415

    from pipelines.embedded.speech.ears.decoders import Decoders  # noqa: PLC0415
    from pipelines.embedded.speech.ears.whole_utterance import WholeUtterance  # noqa: PLC0415
    from pipelines.embedded.speech.german.whisper import InContext, Whisper  # noqa: PLC0415
    from sophia.log_mel import RATE  # noqa: PLC0415

    model = Whisper(folder, languages, threads=_threads())
    model.decode(np.zeros(RATE, np.int16))  # the first time is slow
    decoders = Decoders(_threads())
    return _unboosted(lambda: WholeUtterance(InContext(model).decode, decoders))


def _threads() -> int:
    return max(1, min(MOST_DECODERS, os.cpu_count() or 1))


def _unboosted(transcriber: Callable[[], Transcriber]) -> Make:
    """An engine that cannot be told what to expect; the service has told the client."""
    return lambda _boosts: transcriber()


def main() -> None:
    """The process: ``worker --control FD [--moonshine DIR | --whisper DIR | --language-model FILE | --sherpa DIR]``."""
    parser = argparse.ArgumentParser(description="recognition worker of the embedded speech service")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--moonshine", type=Path)
    parser.add_argument("--whisper", type=Path)
    parser.add_argument("--languages", nargs="+", default=[GERMAN])
    parser.add_argument("--language-model", type=Path)
    parser.add_argument("--sherpa", type=Path)
    args = parser.parse_args()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal reaches the whole group; the service stops us
    with socket.socket(fileno=args.control) as control:
        try:
            if args.sherpa:
                from pipelines.embedded.speech.sherpa import SherpaRecognizer  # noqa: PLC0415  # an extra

                make, serve = _unboosted(SherpaRecognizer(args.sherpa).transcriber), serve_by_threads
            elif args.moonshine:
                make, serve = _moonshine(args.moonshine), serve_by_threads
            elif args.whisper:
                make, serve = _whisper(args.whisper, args.languages), serve_by_threads
            else:
                from pipelines.embedded.speech.ears.sphinx import SphinxModels  # noqa: PLC0415  # 0.5 s and 130 MB

                make, serve = _unboosted(SphinxModels(args.language_model).transcriber), serve_by_forking
        except Exception as error:
            control.sendall(frames.pack(frames.FAILED, str(error).encode()))
            raise SystemExit(1) from None
        control.sendall(frames.pack(frames.DONE))
        serve(control, make)


if __name__ == "__main__":
    main()
