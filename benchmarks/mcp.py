"""What a server of MCP costs a talk: a call, a megabyte, and how long good and bad servers hold the event loop.

    python -m benchmarks.mcp [--calls N] [--json FILE]

The reference server of time is called, and the server of bad days of our tests. A floor of two cores is enough.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from nova.tools import ToolError
from pipelines.machine.environment import environment
from pipelines.settings.mcp import McpServerSettings
from pipelines.tools.mcp.server import McpServer

BAD_DAYS = Path(__file__).parents[1] / "tests/pipelines/tools"
STEP = 0.002


class Lag:
    """How long the event loop was held at most since the last look, seconds."""

    def __init__(self) -> None:
        self._worst = 0.0

    async def watch(self) -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(STEP)
            self._worst = max(self._worst, perf_counter() - began - STEP)

    def take(self) -> float:
        worst, self._worst = self._worst, 0.0
        return worst


@asynccontextmanager
async def connected(*args: str) -> AsyncIterator[McpServer]:
    server = McpServer("it", McpServerSettings(command=sys.executable, args=args, start_seconds=60))
    async with server.running():
        await server.tried.wait()
        yield server


async def calls(server: McpServer, tool: str, arguments: dict[str, Any], count: int, lag: Lag) -> dict[str, float]:
    """Milliseconds of a call, and the longest for which the loop was held in it, a median."""
    time, took, held = perf_counter, list[float](), list[float]()
    for _ in range(count):
        lag.take()
        began = time()
        await server.call(tool, arguments, 30.0)
        took.append(time() - began)
        await asyncio.sleep(2 * STEP)
        held.append(lag.take())
    return {
        "median_ms": 1000 * statistics.median(took),
        "p95_ms": 1000 * sorted(took)[int(0.95 * count)],
        "loop_held_ms": 1000 * statistics.median(held),
    }


async def bad_days(count: int) -> dict[str, dict[str, float]]:
    """All rows."""
    lag, rows = Lag(), dict[str, dict[str, float]]()
    time = perf_counter
    gc.collect()
    gc.freeze()  # as the runtime does
    watching = asyncio.create_task(lag.watch())
    async with connected("-m", "mcp_server_time") as server:
        rows["start"] = {"median_ms": 1000 * server.standing.seconds}
        rows["a call (time)"] = await calls(server, "get_current_time", {"timezone": "Asia/Tokyo"}, count, lag)
    async with connected(str(BAD_DAYS / "hostile_mcp.py")) as server:
        rows["1 MB"] = await calls(server, "megabyte", {}, max(3, count // 10), lag)
        began = time()
        try:
            await server.call("hang", {}, 0.5)
        except ToolError:
            rows["hangs (limit 500 ms)"] = {"median_ms": 1000 * (time() - began)}
        began = time()
        try:
            await server.call("die", {}, 30.0)
        except ToolError:
            rows["dies: told after"] = {"median_ms": 1000 * (time() - began)}
        while server.standing.up:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(STEP)
        while not server.standing.up:  # noqa: ASYNC110 - as above
            await asyncio.sleep(STEP)
        rows["dies: back after"] = {"median_ms": 1000 * (time() - began)}
        began = time()
    rows["end"] = {"median_ms": 1000 * (time() - began)}
    for kind in ("messages", "errors"):
        async with connected(str(BAD_DAYS / "flooding_mcp.py"), kind):
            held = []
            for _ in range(20):
                lag.take()
                await asyncio.sleep(0.1)
                held.append(lag.take())
            rows[f"sends {kind} without end"] = {"loop_held_ms": 1000 * statistics.median(held)}
    watching.cancel()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="What a server of MCP costs a talk.")
    parser.add_argument("--calls", type=int, default=200, help="calls for a median (default 200)")
    parser.add_argument("--json", type=Path, help="file that gets the figures")
    args = parser.parse_args()
    rows = uvloop.run(bad_days(args.calls))
    print(f"{'':28}{'median':>9}{'p95':>9}{'loop held':>12}")
    for name, row in rows.items():
        cells = (row.get("median_ms"), row.get("p95_ms"), row.get("loop_held_ms"))
        shown = [f"{cell:.1f} ms" if cell is not None else "" for cell in cells]
        print(f"{name:28}{shown[0]:>9}{shown[1]:>9}{shown[2]:>12}")
    if args.json:
        args.json.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
