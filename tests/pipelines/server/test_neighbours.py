"""One slow or hostile client touches no other: beside it, spoken answers come out whole."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from attacker import SESSIONS
from neighbour import neighbour
from test_hostile import besieged

ATTACKER = Path(__file__).parent / "attacker.py"
SECONDS = float(os.environ.get("SIEGE_SECONDS", "8"))
CROWD_SECONDS = 150.0

pytestmark = [pytest.mark.services, pytest.mark.timeout(280)]


@asynccontextmanager
async def attack(url, kind, seconds):
    """Yields the attacker's process, and afterwards sees to it that it is gone."""
    command = (sys.executable, str(ATTACKER), kind, url.rstrip("/").rpartition(":")[2], str(seconds))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def siege(tmp_path, pki, caplog, kind, seconds, *, speaks=False):
    """What an attacker did while somebody else talked, until both were done."""
    plain = {"cert": None, "key": None, "patient": True}  # the attacker shall spend its time on us
    async with (
        besieged(tmp_path, pki, caplog, seconds=270, **plain) as (client, url, _),
        neighbour(client, url, speaks=speaks) as other,
        attack(url, kind, seconds) as process,
    ):
        reading = asyncio.create_task(process.stdout.read())
        while not reading.done():
            await other.turn()
        return json.loads(await reading)


@pytest.mark.parametrize("kind", ["deaf", "garbage", "flood"])
async def test_nobody_notices_a_client_that_behaves_badly(tmp_path, pki, caplog, kind):
    did = await siege(tmp_path, pki, caplog, kind, SECONDS)
    assert did["sent"] > 10
    assert kind != "flood" or did["cut_off"] > 0


async def test_who_speaks_is_heard_beside_a_client_that_behaves_badly(tmp_path, pki, caplog):
    did = await siege(tmp_path, pki, caplog, "flood", SECONDS, speaks=True)
    assert did["cut_off"] > 0


async def test_nobody_notices_a_thousand_sessions_that_come_and_go(tmp_path, pki, caplog):
    did = await siege(tmp_path, pki, caplog, "crowd", CROWD_SECONDS)
    assert did["opened"] + did["full"] == SESSIONS
    assert did["opened"] > SESSIONS / 10
