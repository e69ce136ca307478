"""The chaos program's own parts: its table of faults, its bad lines, and its judgement of a trial."""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import processes
from benchmarks.chaos.__main__ import FAULTS
from benchmarks.chaos.judge import breaches, of_a_take
from benchmarks.chaos.relay import Relay, Weather, relayed
from benchmarks.chaos.trial import Level, Record
from pipelines.conversation.book import TurnBook
from pipelines.conversation.events import GenerationOver, Happening, PlayoutStarted, TurnEnded
from pipelines.takes.writer import TakeWriter
from sophia.decisions import Begin, Commit, Interrupt, Start

DOCS = Path(__file__).parents[2] / "docs/reliability.md"
RATE = 16_000
NOTHING = next(fault for fault in FAULTS if fault.name == "nothing")


def test_each_fault_is_there_once_and_in_the_table_of_outcomes() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    told = DOCS.read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in told] == []
    assert all(fault.targets and set(fault.targets) <= {"voice", "server"} for fault in FAULTS)


# Bad lines


async def through(weather: Weather, sent: bytes, seconds: float = 5.0) -> tuple[bytes, float]:
    """What comes back of ``sent`` from an echo behind a line, and when its last byte came."""
    loop = asyncio.get_running_loop()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, relayed(server.sockets[0].getsockname()[1], random.Random(1)) as relay:
        relay.weather = weather
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        began, came = loop.time(), b""
        try:
            writer.write(sent)
            async with asyncio.timeout(seconds):
                while len(came) < len(sent) and (data := await reader.read(1 << 16)):
                    came += data
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return came, loop.time() - began


SENT = bytes(range(256)) * 300


async def test_a_good_line_passes_everything_on() -> None:
    assert (await through(Weather(), SENT))[0] == SENT


async def test_a_slow_line_keeps_the_order_and_takes_its_time() -> None:
    came, seconds = await through(Weather(delay=0.05, jitter=0.02), SENT)
    assert came == SENT
    assert seconds > 0.05
    came, seconds = await through(Weather(rate=len(SENT) * 4), SENT)
    assert came == SENT
    assert seconds > 0.25


async def test_what_is_swallowed_does_not_come_and_nobody_is_told() -> None:
    came, seconds = await through(Weather(swallows=True), SENT, 0.2)
    assert came == b""
    assert seconds >= 0.2  # not told by an end of file


async def test_what_is_garbled_comes_otherwise() -> None:
    came, _ = await through(Weather(garbles=1.0), SENT)
    assert len(came) == len(SENT)
    assert came != SENT


@pytest.mark.parametrize("weather", [Weather(refuses=True), Weather(babbles=True)])
async def test_who_is_refused_or_babbled_at_is_not_served(weather: Weather) -> None:
    came, _ = await through(weather, SENT)
    assert not SENT.startswith(came) or not came


async def test_what_is_forgotten_swallows_and_new_connections_work() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, relayed(server.sockets[0].getsockname()[1], random.Random(1)) as relay:
        old, old_writer = await asyncio.open_connection("127.0.0.1", relay.port)
        while not relay.connections:  # noqa: ASYNC110 - it is accepted in a task of its own
            await asyncio.sleep(0.01)
        relay.forget()
        old_writer.write(b"old")
        new, new_writer = await asyncio.open_connection("127.0.0.1", relay.port)
        new_writer.write(b"new")
        assert await new.read(100) == b"new"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await old.read(100)
        for writer in (old_writer, new_writer):
            writer.close()


def test_a_relay_is_good_at_first() -> None:
    assert Relay(1, random.Random(1)).weather == Weather()


# Processes


async def test_a_family_is_found_with_all_its_members() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdin=pipe, stdout=pipe)
    assert process.stdout
    await process.stdout.readline()
    family = list(processes.tree(process.pid))
    assert len(family) == 2
    assert all(map(processes.alive, family))
    assert processes.descriptors(family[0]) > 2
    process._transport.close()  # type: ignore[attr-defined]
    await process.wait()


# The judgement


async def taken(folder: Path, *, silent: bool) -> Record:
    """A trial whose talk was interrupted at 1 s; not ``silent``: something sounded 0.3 s later."""
    take = TakeWriter(folder / "take", {}, start=0.0, reply_rate=RATE)
    events: list[Happening] = [
        Begin(at=0.1, reason="", turn=1, origin="voice", onset=0.1),
        Start(at=0.2, reason="", turn=1, generation=1, text="where is it"),
        Commit(at=0.3, reason="", turn=1, generation=1, text="where is it", silence=0.3),
        PlayoutStarted(1, 0.4, at=0.4),
        Interrupt(at=1.0, reason="", turn=1, generation=1),
        GenerationOver(at=1.0, generation=1, text="Here it is.", heard="Here", silenced=1.0),
    ]
    book, turns = TurnBook(), []
    for event in events:
        take.told(event)
        for ledger in book.tell(event):
            take.told(TurnEnded(at=1.0, ledger=ledger))
            turns.append(ledger.as_dict())
    take.played(np.full(round(0.6 * RATE), 3000, np.int16), 0.4)
    take.played(np.full(round(0.2 * RATE), 0 if silent else 3000, np.int16), 1.3)
    await take.aclose()
    return Record(folder, code=0, stop_seconds=1.0, turns=turns, replied_since=2)


async def test_a_talk_that_went_well_is_passed_over(tmp_path: Path) -> None:
    record = await taken(tmp_path, silent=True)
    assert breaches(NOTHING, "voice", record) == []


async def test_sound_after_an_interruption_is_heard_in_the_recording(tmp_path: Path) -> None:
    (line,) = of_a_take(tmp_path / "take", (await taken(tmp_path, silent=False)).turns)
    assert line == "3000 of 32767 is in her voice after she was silenced at 1.00 s"


async def test_ledgers_that_are_not_those_of_the_take_are_told(tmp_path: Path) -> None:
    record = await taken(tmp_path, silent=True)
    record.turns[0]["words"]["heard"] = "Here it"
    (line,) = breaches(NOTHING, "voice", record)
    assert line == "turn 1: heard 'Here' in the take, 'Here it' in the ledgers"
    assert breaches(NOTHING, "voice", replace(record, turns=[])) == ["1 turns in the take, 0 in the ledgers"]


@pytest.mark.parametrize(
    ("wrong", "breach"),
    [
        ({"code": 1}, "exit code 1, not 0"),
        ({"stop_seconds": 3.2, "load": 2.0}, "it took 3.20 s to stop, with a load of 2.0 a core"),
        ({"orphans": ["python -m worker"]}, "it left a process behind: python -m worker"),
        ({"output": "Traceback (most recent call last)"}, "the output has: 'Traceback"),
        ({"log": "2026-11-30 15:00:00,1 17 ERROR asyncio: never retrieved"}, "the log has: "),
        ({"before": Level(1, 20, 4), "after": Level(1, 40, 4)}, "descriptors: 20 before, 40 after"),
        ({"before": Level(1, 20, 4), "after": Level(1, 20, 9)}, "threads: 4 before, 9 after"),
        ({"replied_since": 1}, "1 turns were answered afterwards, not 2"),
        ({"recovery_seconds": 50.0}, "the first answer came after 50.0 s, not within 30 s"),
        ({"breaches": ["90 s passed"]}, "90 s passed"),
    ],
)
async def test_each_promise_that_is_broken_is_told(tmp_path: Path, wrong: dict[str, object], breach: str) -> None:
    record = replace(await taken(tmp_path, silent=True), **wrong)  # type: ignore[arg-type]
    (line,) = breaches(NOTHING, "voice", record)
    assert line.startswith(breach)
