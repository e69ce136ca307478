"""Bytes below every protocol, against a whole server while somebody talks: no 500, no defect told, nothing left.

FUZZ_SECONDS sets how long each kind is tried, and FUZZ_SEED which bytes come.
"""

import asyncio
import os
import random

import pytest
from bytes_of_no_protocol import frames, request, smuggling, upgrade
from neighbour import neighbour
from test_hostile import besieged

pytestmark = [pytest.mark.services, pytest.mark.timeout(280)]

SECONDS = float(os.environ.get("FUZZ_SECONDS", "10"))
SEED = os.environ.get("FUZZ_SEED", "1")
LEAST = 20
"""Cases that are tried however slow the machine is."""

AT_ONCE = 4
QUIET_SECONDS = 0.1
"""Of silence, after which no answer is waited for."""

BREATH_SECONDS = 0.01
"""Between two cases: they run on the loop of the server, and floods have a test of their own."""

KINDS = {
    "requests": request,
    "smuggling": smuggling,
    "frames": lambda chance: upgrade() + frames(chance),
}


async def answers(port, sent, chance):
    """All that the server says to these bytes, which come in pieces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = b""
    try:
        cut = chance.randrange(len(sent) + 1)
        for piece in (sent[:cut], sent[cut:]):
            writer.write(piece)
            await writer.drain()
        while True:
            async with asyncio.timeout(QUIET_SECONDS):
                more = await reader.read(1 << 16)
            if not more:
                break
            found += more
    except (ConnectionError, TimeoutError):
        pass
    finally:
        writer.transport.abort()
    return found


async def try_one(port, kind, number):
    chance = random.Random(f"{SEED} {kind} {number}")
    sent = KINDS[kind](chance)
    found = await answers(port, sent, chance)
    case = f"case {number} of {kind}, seed {SEED}: {sent[:2000]!r} was answered {found[:500]!r}"
    assert b"HTTP/1.1 5" not in found.replace(b"HTTP/1.1 503", b""), case
    assert b"Traceback" not in found, case
    if kind == "smuggling":
        assert found.count(b"HTTP/1.1 ") <= 1, case
        assert not found.endswith(b"ok\n"), case


@pytest.mark.parametrize("kind", KINDS)
async def test_no_bytes_make_it_stumble(tmp_path, pki, caplog, kind):
    plain = {"cert": None, "key": None, "sessions": 8, "patient": True}  # below TLS, which has a test of its own
    async with (
        besieged(tmp_path, pki, caplog, seconds=270, **plain) as (client, url, _),
        neighbour(client, url) as other,
    ):
        port, loop, numbers = int(url.rpartition(":")[2]), asyncio.get_running_loop(), iter(range(1_000_000))
        end = loop.time() + SECONDS

        async def fuzz():
            while (number := next(numbers)) < LEAST or loop.time() < end:
                await try_one(port, kind, number)
                await asyncio.sleep(BREATH_SECONDS)

        async with asyncio.TaskGroup() as group:
            work = [group.create_task(fuzz()) for _ in range(AT_ONCE)]
            while not all(task.done() for task in work):
                await other.turn()
