"""The program: arguments, exit codes, what it writes, and a whole ramp with simulated services in virtual time."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from load_runs import run, turn
from rich.console import Console

from pipelines.failures import StageFailed
from pipelines.load import live, program
from pipelines.load.__main__ import arguments, main
from pipelines.load.results import LoadTest
from pipelines.records.results import Run
from pipelines.replay.runner import Progress
from pipelines.scenarios.scenario import Scenario
from pipelines.settings.model import Settings

QUESTION = Path(__file__).parents[3] / "pipelines/soundbites/02_what_time.wav"


def test_sessions_are_a_list_without_repeats() -> None:
    assert arguments().parse_args(["--sessions", "4,1,4,2"]).sessions == (4, 1, 2)


@pytest.mark.parametrize(
    "line",
    [
        "--sessions 0",
        "--sessions 1;2",
        "--sessions 1,,2",
        "--sessions 1001",
        "--rounds 0",
        "--rounds ²",
        "--seconds nan",
        "--seconds 0",
        "--seconds 5 --rounds 2",
        "--cooldown -1",
        "--limit-p95 -1",
    ],
)
def test_a_mistake_on_the_command_line_ends_it(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    assert line.split(maxsplit=1)[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--simulate nothing-of-the-kind", "no service profile"),
        ("nowhere --simulate exact", "nowhere"),
        ("--set tts.rat=1", "tts.rat"),
        (
            "--simulate exact --json nowhere/x.json",
            "cannot be written: there is no folder nowhere",
        ),
    ],
)
def test_what_cannot_be_run_is_told_in_one_line(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    told = capsys.readouterr()
    assert words in told.out + told.err
    assert "Traceback" not in told.out + told.err


def test_a_whole_ramp_in_virtual_time_twice_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bites = tmp_path / "bites"
    bites.mkdir()
    (bites / "time.wav").write_bytes(QUESTION.read_bytes())
    (bites / "manifest.csv").write_text("file,transcript\ntime.wav,What time is it?\n")

    def simulated(name: str) -> LoadTest:
        files = [f"--{kind}={tmp_path / name}.{kind}" for kind in ("json", "csv", "plot")]
        given = [str(bites), "--sessions", "1,2", "--simulate", "exact"]
        assert main([*given, *files]) == 0
        return LoadTest.model_validate_json((tmp_path / f"{name}.json").read_bytes())

    one, two = simulated("one"), simulated("two")
    assert one == two
    for kind in ("json", "csv", "plot"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    assert [step.streams for step in one.steps] == [1, 2]
    assert [step.turns for step in one.steps] == [1, 2]
    assert one.simulated == "exact"
    for step in one.steps:  # the exact delays of the profile come out at the other end
        assert step.missed == 0
        assert step.figures["asr"].mean == pytest.approx(0.060, abs=0.002)
        assert step.figures["ttft"].mean == pytest.approx(0.120, abs=0.002)
        assert step.figures["ttfb"].mean == pytest.approx(0.080, abs=0.002)
        assert step.figures["e2e"].mean == pytest.approx(sum(step.contributions.values()), abs=0.002)
        assert step.batching is step.generator is None
    assert "SIMULATED" in capsys.readouterr().out


def test_lines_that_nobody_wrote_down_are_not_understood_in_a_simulation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(QUESTION), "--sessions", "1", "--simulate", "exact"]) == 1
    assert "1 of 1 lines have no transcript" in capsys.readouterr().out


Play = Callable[[int, Progress], Awaitable[Run]]
Load = Callable[..., tuple[int, str]]


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "line.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((3000 * np.sin(np.arange(16_000) / 8)).astype(np.int16).tobytes())
    return path


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Runs a load test in which something stands in for the replay: exit code and what was printed."""

    def loaded(play: Play, *given: str) -> tuple[int, str]:
        @asynccontextmanager
        async def standing(settings: Settings, **_: object) -> AsyncIterator[SimpleNamespace]:
            yield SimpleNamespace(settings=settings)

        async def replayed(
            runtime: object, scenario: Scenario, *, rounds: int, sessions: int, progress: Progress
        ) -> Run:
            return await play(sessions, progress)

        monkeypatch.setattr(live, "Runtime", standing)
        monkeypatch.setattr(live, "replay_live", replayed)
        monkeypatch.setattr(live, "COUNTED_SECONDS", 0.0)
        settings = Settings.model_validate({"llm": {"backend": "openai", "model": "m"}})  # no Triton to ask
        args = arguments().parse_args([*given, "--cooldown", "0"])
        console = Console(file=io.StringIO(), width=120, highlight=False)
        code = program.Program(settings, args, console).run()
        assert isinstance(console.file, io.StringIO)
        return code, console.file.getvalue()

    return loaded


def taking(waits: dict[int, float | None]) -> Play:
    """Services that take so long with so many streams."""

    async def play(sessions: int, progress: Progress) -> Run:
        return run([turn(float(n), session=n, wait=waits[sessions]) for n in range(sessions)], sessions=sessions)

    return play


@pytest.mark.parametrize(
    ("waits", "options", "code", "words"),
    [
        ({1: 0.5, 2: 0.9}, "--limit-p95 1", 0, "2 streams: E2E mean 0.900 s"),
        ({1: 0.5, 2: 1.1}, "--limit-p95 1", 1, "Missed the limit of 1 s for p95 with 2 streams"),
        ({1: 0.5, 2: None}, "--limit-p95 1", 1, "2 streams missed 2: 2 × nothing was understood"),
        ({1: 1.5}, "--until-p95 1", 0, "Holds not even 1 stream"),
        ({1: None, 2: None}, "", 1, "no turn was answered"),
    ],
)
def test_exit_codes(  # noqa: PLR0917
    waits: dict[int, float | None], options: str, code: int, words: str, load: Load, sound: Path
) -> None:
    found, told = load(taking(waits), str(sound), "--sessions", "1,2", *options.split())
    assert words in told
    assert found == code
    assert "the mind's backend is openai" in told


def test_a_service_that_goes_away_keeps_what_was_measured(load: Load, sound: Path, tmp_path: Path) -> None:
    async def play(sessions: int, progress: Progress) -> Run:
        if sessions == 2:
            raise StageFailed("tts", ConnectionRefusedError(111, "refused"))
        return run([turn()])

    file = tmp_path / "load.json"
    code, told = load(play, str(sound), "--sessions", "1,2,4", "--json", str(file))
    assert code == 3
    assert "The tts at localhost:50051 is down" in told
    assert "It ended before its time" in told
    written = json.loads(file.read_bytes())
    assert [step["streams"] for step in written["steps"]] == [1]
    assert not written["complete"]


def test_ctrl_c_keeps_the_turns_so_far(load: Load, sound: Path, tmp_path: Path) -> None:
    async def play(sessions: int, progress: Progress) -> Run:
        if sessions == 1:
            return run([turn()])
        progress.begin(4)
        progress.turn(turn(0.0))
        progress.turn(turn(1.0, session=1, wait=0.7))
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        await asyncio.sleep(3600)
        raise AssertionError("it should have been cancelled")

    file = tmp_path / "load.csv"
    code, told = load(play, str(sound), "--sessions", "1,2,4", "--csv", str(file))
    assert code == 130
    assert "2 streams: interrupted; these are the 2 turns so far." in told
    assert [line.split(",")[0] for line in file.read_text().splitlines()] == ["streams", "1", "2"]
