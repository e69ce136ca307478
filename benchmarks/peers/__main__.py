"""Sophia's server beside Pipecat and speech-to-speech: what each adds to a turn, what it costs, and what it gets wrong.

The callers are the same: random phases, 20 ms at a time, in a process of their own. So are the delays of the services,
which are simulated, in another one. Each server speaks to them as it does best: Sophia streams by gRPC over TLS, the
peers stream by HTTP, and send whole utterances to the recogniser. Nothing of a peer is tuned. Peers are fetched from
PyPI into environments of their own.

    python -m benchmarks.peers                                   all, with 1, 5 and 10 sessions
    python -m benchmarks.peers pipecat --sessions 5 --seconds 30 --json peers.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import ClientError, ClientSession

from benchmarks.lab import running
from benchmarks.measure import WINDOWS, spread
from benchmarks.peers.callers import WARM_UP
from benchmarks.peers.peers import PEERS, command, make
from benchmarks.processes import cpu_seconds, resident_mb, tree
from pipelines.certs import make_development_pki
from pipelines.machine.environment import environment

OURS = "sophia"

START_SECONDS = 120.0
"""Longest wait for a server: those with models load them first."""

PIPE = asyncio.subprocess.PIPE


@asynccontextmanager
async def started(words: list[str], more: dict[str, str] | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that ends with the block."""
    log = await asyncio.to_thread(tempfile.TemporaryFile)
    process = await asyncio.create_subprocess_exec(
        *words, stdin=PIPE, stdout=PIPE, stderr=log, env={**os.environ, **(more or {})}
    )
    try:
        yield process
    except BaseException:
        log.seek(0)
        print(log.read().decode(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        log.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def ours(sessions: int) -> AsyncIterator[tuple[int, str]]:
    """Our server: its process, and where to talk to it."""
    with tempfile.TemporaryDirectory() as folder:
        make_development_pki(Path(folder))
        async with running(Path(folder)) as ports:
            words = [sys.executable, "-m", "benchmarks.peers.sophia_server", "--tls", folder]
            async with started([*words, "--ports", json.dumps(ports), "--sessions", str(sessions)]) as process:
                assert process.stdout
                async with asyncio.timeout(START_SECONDS):
                    address = (await process.stdout.readline()).decode().strip()
                yield process.pid, f"{address}v1/realtime"


@asynccontextmanager
async def peer(name: str, sessions: int) -> AsyncIterator[tuple[int, str]]:
    """A peer's server: its process, and where to talk to it."""
    await asyncio.to_thread(make, name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with started([sys.executable, "-m", "benchmarks.peers.http_lab"]) as lab:
        assert lab.stdout
        words, more = command(name, port, (await lab.stdout.readline()).decode().strip(), sessions)
        async with started(words, more) as process:
            await _listens(process, port)
            yield process.pid, f"http://127.0.0.1:{port}/{'v1/realtime' if PEERS[name].dialect == 'realtime' else ''}"


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + START_SECONDS
    async with ClientSession() as client:
        while True:
            try:
                async with client.get(f"http://127.0.0.1:{port}/"):
                    return
            except ClientError:
                if process.returncode is not None or loop.time() > until:
                    raise
            await asyncio.sleep(0.5)


async def measure(name: str, sessions: int, seconds: float) -> dict[str, Any]:
    """One server, so many callers."""
    dialect = "realtime" if name == OURS else PEERS[name].dialect
    async with ours(sessions) if name == OURS else peer(name, sessions) as (pid, url):
        words = [sys.executable, "-m", "benchmarks.peers.callers", url, "--dialect", dialect]
        async with started([*words, "--sessions", str(sessions), "--seconds", str(seconds)]) as callers:
            assert callers.stdout
            async with asyncio.timeout(START_SECONDS):
                assert await callers.stdout.readline() == b"here\n"
            await asyncio.sleep(WARM_UP)
            shares = []
            for _ in range(WINDOWS):
                before = cpu_seconds(tree(pid))
                await asyncio.sleep(seconds / WINDOWS)
                shares.append((cpu_seconds(tree(pid)) - before) * WINDOWS / seconds)
            memory = sum(resident_mb(one) for one in tree(pid))
            async with asyncio.timeout(WARM_UP + seconds):
                found = json.loads(await callers.stdout.readline())
    added = [wait for one in found for wait in one["added"]]
    return {
        "server": name,
        "sessions": sessions,
        "cpu_ms_per_session_second": round(1000 * float(np.median(shares)) / sessions, 1),
        "added": spread(added),
        "cut_off": sum(one["cut_off"] for one in found),
        "missed": sum(one["missed"] for one in found),
        "resident_mb": round(memory),
    }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="SERVER", help=f"of {OURS}, {', '.join(PEERS)} (default: all)")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--seconds", type=float, default=20.0, help="of one measurement (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    if unknown := set(args.servers) - {OURS, *PEERS}:
        parser.error(f"there is no server {', '.join(sorted(unknown))}")
    results = []
    for sessions in args.sessions:
        for name in args.servers or [OURS, *PEERS]:
            results.append(await measure(name, sessions, args.seconds))
            print(json.dumps(results[-1]), flush=True)
    if args.json:
        told = {"machine": environment() | {"services": "simulated"}, "seconds": args.seconds, "results": results}
        await asyncio.to_thread(args.json.write_text, json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
