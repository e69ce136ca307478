"""Replay over the wire: TLS, gRPC and the clients are real, the services behind them are simulated (``lab.py``)."""

import asyncio
import re
import signal
import sys

import pytest
from lab import Lab, config, serving
from stagecraft import SOUNDBITES, line

from pipelines.records.store import load_run
from pipelines.replay.live import replay_live
from pipelines.replay.runner import Progress
from pipelines.scenarios.scenario import Scenario, Talk
from pipelines.settings.model import load_settings
from pipelines.talk.runtime import Runtime

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]
SERVICES = ("asr", "llm", "tts", "face")


class Notes(Progress):
    def __init__(self):
        self.lines, self.units = [], []

    def note(self, line):
        self.lines.append(line)

    def unit(self, unit, turns):
        self.units.append(unit)


def scenario(*talks):
    return Scenario("test", [Talk(f"talk {number}", lines) for number, lines in enumerate(talks)])


async def replay(lab, tmp_path, pki, what, *, before=None, **how):
    """The run, and what was told."""
    notes = Notes()
    async with serving(lab, pki) as port:
        settings = load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, port)), {}, {})
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            beside = group.create_task(before()) if before else None
            async with Runtime(settings, sessions=how.get("sessions", 1), notice=notes.note) as runtime:
                run = await replay_live(runtime, what, progress=notes, **how)
            if beside:
                beside.cancel()
    return run, notes


@pytest.mark.side_by_side
async def test_a_good_day_side_by_side(tmp_path, pki):
    run, notes = await replay(Lab(), tmp_path, pki, scenario([line("time")]), sessions=2)
    assert run.complete
    assert sorted(turn.session for turn in run.turns) == [0, 1]
    for turn in run.turns:
        assert turn.outcome == "answered"
        assert turn.voice_to_voice > 0.1
        assert abs(turn.residue) <= 0.002
        assert abs(turn.end_error) < 0.2
        assert turn.lip_skew is not None
    assert {"cpu of this process", "event loop lag, worst"} <= {counter.name for counter in run.counters}
    assert len(notes.units) == 2
    assert run.simulated is None
    assert run.environment["date"]
    assert "key" not in str(run.config["llm"]["endpoint"]["tls"].get("ca", ""))


@pytest.mark.side_by_side
async def test_a_mind_that_fails_in_the_second_turn_costs_that_turn(tmp_path, pki):
    lab = Lab({"llm": "fails at once"}, turns=(2,))
    run, _ = await replay(lab, tmp_path, pki, scenario([line("time"), line("say"), line("story")]))
    one, two, three = run.turns
    assert (one.outcome, two.outcome, three.outcome) == ("answered", "missed", "answered")
    assert "CUDA out of memory" in two.reason
    assert run.complete


@pytest.mark.side_by_side
async def test_a_recogniser_that_is_lost_in_the_middle(tmp_path, pki):
    lab = Lab({"asr": "refuses"}, turns=(2,))
    run, notes = await replay(lab, tmp_path, pki, scenario([line("time"), line("say"), line("story")], [line("time")]))
    assert [turn.outcome for turn in run.turns[:3]] == ["answered", "missed", "missed"]
    assert "no model for xx-XX" in run.turns[1].reason
    assert run.turns[1].reason == run.turns[2].reason
    assert any("no model for xx-XX" in told for told in notes.lines)


async def command(*arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipelines.replay", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.side_by_side
async def test_a_service_that_is_not_there_is_3_and_leaves_nothing_behind(tmp_path, pki):
    async with serving(Lab(), pki) as port:
        ports = dict.fromkeys(SERVICES, port) | {"llm": 9}  # the discard port: nobody listens
        settings = config(tmp_path, pki, ports)
        process = await command(SOUNDBITES / "02_what_time.wav", "--config", settings, "--out", tmp_path / "run")
        async with asyncio.timeout(60):
            told, _ = await process.communicate()
    assert process.returncode == 3, told.decode()
    assert "llm" in told.decode()
    assert not (tmp_path / "run").exists()


@pytest.mark.side_by_side
async def test_an_interrupted_run_is_kept_and_resumed(tmp_path, pki):
    bites, kept = tmp_path / "bites", tmp_path / "kept"
    bites.mkdir()
    (bites / "time.wav").write_bytes((SOUNDBITES / "02_what_time.wav").read_bytes())
    async with serving(Lab(), pki) as port:
        arguments = [bites, "--config", config(tmp_path, pki, dict.fromkeys(SERVICES, port)), "--repeat", 3]
        process = await command(*arguments, "--out", kept)
        told = b""
        async with asyncio.timeout(60):
            while b"round 1" not in told:
                told += await process.stdout.readline()
            process.send_signal(signal.SIGINT)
            told += await process.stdout.read()
            assert await process.wait() == 130, told.decode()
        assert f"--resume {kept}" in re.sub(r"\s+", " ", told.decode())
        partial = load_run(kept)
        assert not partial.complete
        assert 1 <= len(partial.turns) < 3

        process = await command(*arguments, "--resume", kept)
        async with asyncio.timeout(60):
            told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()
        whole = load_run(kept)
        assert whole.complete
        assert [turn.round for turn in whole.turns] == [0, 1, 2]
        assert whole.turns[: len(partial.turns)] == partial.turns

        process = await command(*arguments[:-1], 4, "--resume", kept)
        told, _ = await process.communicate()
        assert process.returncode == 2
        assert "other rounds" in told.decode()
