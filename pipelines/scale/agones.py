"""Tells Agones how the session server beside it goes: health, how many talk, and that it must not be removed.

    python -m pipelines.scale.agones [--config FILE …] [--set KEY=VALUE …] [--ca FILE]

It runs in a container of its own in the server's pod, asks the server at ``/load`` and Agones' sidecar at its REST port
(``AGONES_SDK_HTTP_PORT``, else 9358). A server with conversations is *Allocated*, and Agones removes none of these. The
counter ``sessions`` goes up with each allocation; it goes down here, when a client leaves or has not come.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from pipelines.command.endings import SETTINGS
from pipelines.command.run import run
from pipelines.command.stopping import until_stopped
from pipelines.scale.asking import ASK_SECONDS, Asking, asking, trusting
from pipelines.scale.book import CLOCK_SECONDS, LEASE_SECONDS, Load
from pipelines.server.errors import ServerError
from pipelines.server.place import find_place
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.model import Settings, SettingsError

COUNTER: Final = "sessions"
TELL_SECONDS: Final = 2.0
SDK_PORT: Final = 9358
"""Agones' own default."""

COME_SECONDS: Final = LEASE_SECONDS + CLOCK_SECONDS
"""Whoever was allocated a place and has not come by then does not come."""


@dataclass(frozen=True, slots=True)
class Told:
    """What Agones should be told: a difference for the counter, and the state to go to, if any."""

    change: int = 0
    state: str | None = None


class Counting:
    """What Agones should know, from what it knows and what the server says. Pure; times in seconds."""

    def __init__(self) -> None:
        self._talking = 0
        self._since: tuple[int, int, float] | None = None  # arrived, counter, and when both began to be so

    def look(self, load: Load, counter: int, state: str, now: float) -> Told:
        """One look: the server's load, Agones' counter and state."""
        if self._since is None or self._since[:2] != (load.arrived, counter):
            self._since = load.arrived, counter, now
        waited = now - self._since[2] >= COME_SECONDS
        left = max(0, self._talking - load.talking)
        self._talking = load.talking
        expected = load.talking if waited else max(load.talking, counter - left)
        if load.talking:
            wished = "Allocated"
        elif state == "Allocated" and not waited:
            wished = state  # by an allocation, whose client is on its way
        else:
            wished = "Ready"
        return Told(expected - counter, None if state == wished else wished)


async def tell(ask: Asking, server: str, sdk: str) -> int:
    """Tells until it is cancelled; a server or a sidecar that does not answer is asked again."""
    counting = Counting()
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS), raise_for_status=True) as client:

        async def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
            async with client.request(method, f"{sdk}{path}", json=body) as answer:
                return await answer.json(content_type=None)

        while True:
            try:
                load = await ask(server)
                await call("POST", "/health", {})
                counter = int((await call("GET", f"/v1beta1/counters/{COUNTER}")).get("count", 0))
                state = (await call("GET", "/gameserver"))["status"]["state"]
                told = counting.look(load, counter, state, loop.time())
                if told.change:
                    await call("PATCH", f"/v1beta1/counters/{COUNTER}", {"countDiff": str(told.change)})
                if told.state:
                    await call("POST", "/ready" if told.state == "Ready" else "/allocate", {})
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError):
                pass  # Agones finds a server that it hears nothing of unhealthy; there is nobody else to tell
            await asyncio.sleep(TELL_SECONDS)


async def _run(settings: Settings, authority: Path | None) -> int:
    place = await asyncio.to_thread(find_place, settings.server)
    trust = await asyncio.to_thread(trusting, authority)
    server = f"{'https' if place.tls else 'http'}://127.0.0.1:{place.port}/"
    sdk = f"http://127.0.0.1:{os.environ.get('AGONES_SDK_HTTP_PORT', SDK_PORT)}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_SECONDS)) as client:
        return await until_stopped(tell(asking(client, place.key, trust), server, sdk), lambda: False)


def main(argv: Sequence[str] | None = None) -> int:
    """Tells Agones until it is stopped, and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.scale.agones",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(parser)
    parser.add_argument("--ca", type=Path, help="the server's authority, PEM (default: the one of this machine)")
    args = parser.parse_args(argv)
    try:
        return asyncio.run(_run(settings_of(args), args.ca))
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
    except ServerError as error:
        print(f"{error}.", file=sys.stderr)
    return SETTINGS


if __name__ == "__main__":
    run(main)
