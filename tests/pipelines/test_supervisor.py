"""The supervisor against real processes: start, failure, death, restart, and that nothing survives."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from rich.console import Console

from pipelines.embedded import __main__ as program
from pipelines.embedded import health, process, supervisor
from pipelines.embedded.process import ServiceFailed, ServiceProcess, module_command
from pipelines.embedded.supervisor import SERVED, EmbeddedServices, needed
from pipelines.services.channels import open_channel, warm
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import SERVICES, FaceSection, LlmSection, Service, Settings
from pipelines.talk.program import Options, VoiceLoop
from pipelines.terminal.display import SilentDisplay

pytestmark = pytest.mark.services

QUESTION = next((Path(__file__).parents[2] / "pipelines/soundbites").glob("*what_time.wav"))
FAKE = Path(__file__).with_name("fake_service.py")


def fake(**behaviour: str) -> supervisor.Command:
    """Starts the fake in place of each service, behaving as told for its name."""

    def command(name: str, tls: Path, home: Path, port: int = 0) -> list[str]:
        arguments = module_command(name, tls, home, port)[3:]
        return [sys.executable, str(FAKE), *arguments, "--behave", behaviour.get(name, "well")]

    return command


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie that nobody has waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    """Waits for something that another process brings about."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - the other process has no event to wait for
            await asyncio.sleep(0.01)


class Told(list[str]):
    """Collects reports and lets a test wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Condition()

    def __call__(self, line: str) -> None:
        self.append(line)

    async def of(self, words: str) -> None:
        await until(lambda: any(words in line for line in self))


async def test_services_start_together_and_their_endpoints_are_filled_in(tmp_path: Path) -> None:
    told = Told()
    async with EmbeddedServices(Settings(embedded=True), tmp_path, told, command=fake()) as services:
        settings = services.settings
        pids = [service.process.pid for service in services.running.values()]
        assert set(services.running) == {"speech", "triton", "face"}
        assert settings.asr.endpoint == settings.tts.endpoint == services.endpoint("speech")
        assert settings.llm.endpoint.port == services.running["triton"].port
        for endpoint in (settings.asr.endpoint, settings.llm.endpoint, settings.face.endpoint):
            async with open_channel(endpoint) as channel:
                assert await warm(channel, 5.0) == "unknown"
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 2.0
    assert not any(alive(pid) for pid in pids)
    assert told == []


def test_only_what_the_settings_need_is_started() -> None:
    assert needed(Settings()) == ()
    assert needed(Settings(embedded=True)) == ("speech", "triton", "face")
    without = Settings(embedded=True, face=FaceSection(enabled=False), llm=LlmSection(backend="openai"))
    assert needed(without) == ("speech",)
    for one, served_by in {"asr": "speech", "llm": "triton", "tts": "speech", "face": "face"}.items():
        assert needed(Settings.model_validate({"embedded": [one]})) == (served_by,)
    assert needed(Settings(embedded=("tts", "face", "asr"))) == ("speech", "face")
    assert needed(Settings(embedded=("face",), face=FaceSection(enabled=False))) == ()


@pytest.mark.parametrize("embedded", [("face",), ("asr",), ("tts", "llm")])
async def test_services_that_are_not_embedded_keep_their_endpoints(
    tmp_path: Path, embedded: tuple[Service, ...]
) -> None:
    real = Endpoint(target="nvidia.lab:443", api_key_env="NVIDIA_API_KEY")
    sections = {name: {"endpoint": real.model_dump()} for name in SERVICES}
    settings = Settings.model_validate({**sections, "embedded": embedded})
    async with EmbeddedServices(settings, tmp_path, print, command=fake()) as services:
        assert set(services.running) == set(needed(settings))
        found = {name: getattr(services.settings, name).endpoint for name in SERVICES}
        for served_by, served in SERVED.items():
            for name in served:
                here = services.endpoint(served_by) if name in embedded else None
                assert found[name].target == (here.target if here else "nvidia.lab:443")
                assert found[name].api_key_env == (None if here else "NVIDIA_API_KEY")
        for name in SERVICES:  # nothing but the endpoint is touched
            section, given = getattr(services.settings, name), getattr(settings, name)
            assert section.model_copy(update={"endpoint": given.endpoint}) == given


async def test_a_failure_before_the_talk_names_where_the_service_really_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))
    monkeypatch.setattr(supervisor.EmbeddedServices.__init__, "__kwdefaults__", {"only": None, "command": fake()})

    class Shown(SilentDisplay):
        lines: ClassVar[list[str]] = []

        def error(self, failure_line: str, hint: str = "") -> None:
            self.lines.append(failure_line)

    assert await VoiceLoop(Settings(embedded=True), Options("lab.yaml", (QUESTION,)), Shown()).run() == 5
    (line,) = Shown.lines
    assert re.match(r"The \w+ at 127\.0\.0\.1:\d+ does not know this call", line)


async def test_a_mind_by_http_gets_tritons_http_port(tmp_path: Path) -> None:
    settings = Settings(llm=LlmSection(backend="triton-rest"))
    async with EmbeddedServices(settings, tmp_path, print, only=["triton"], command=fake()) as services:
        assert services.settings.llm.endpoint.target == "127.0.0.1:8000"
        assert not services.settings.llm.endpoint.tls.enabled
        assert services.settings.face == settings.face


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("failed", "did not start: there is no model in this folder"),
        ("crash", "ended with code 7: the models are loaded … / Loading … / IndexError: list index out of range"),
        ("killed", "was killed by SIGKILL and has logged nothing"),
        ("babble", "printed 'Welcome to the service!' where its ready line was due"),
    ],
)
async def test_a_start_that_fails_says_why_and_takes_the_others_along(
    tmp_path: Path, behaviour: str, words: str
) -> None:
    services = EmbeddedServices(Settings(embedded=True), tmp_path, print, command=fake(triton=behaviour))
    with pytest.raises(ServiceFailed) as caught:
        async with services:
            pytest.fail("must not be entered")
    assert str(caught.value).startswith("the embedded triton service")
    assert words in str(caught.value)
    assert str(tmp_path / "logs" / "triton.log") in caught.value.hint
    assert not any(alive(service.process.pid) for service in services.running.values())


async def test_a_start_that_hangs_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    command = fake(face="silent")("face", tmp_path, tmp_path)
    with pytest.raises(
        ServiceFailed, match=r"process \d+ was not ready within 1\.5 s.*: .* / still compiling$"
    ) as caught:
        await ServiceProcess.start("face", command, tmp_path / "logs" / "face.log", seconds=1.5)
    assert "embedded_start_seconds gives it more time" in caught.value.hint


async def test_a_start_that_hangs_before_its_first_word_says_so(tmp_path: Path) -> None:
    command = fake(face="mute")("face", tmp_path, tmp_path)
    with pytest.raises(ServiceFailed, match=r"within 1\.5 s.*, and has logged nothing: Python was still coming up$"):
        await ServiceProcess.start("face", command, tmp_path / "logs" / "face.log", seconds=1.5)


async def test_a_start_that_takes_long_is_shown_to_be_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PROGRESS_SECONDS", 0.5)
    told = Told()
    settings = Settings(embedded_start_seconds=3)
    services = EmbeddedServices(settings, tmp_path, told, only=["face"], command=fake(face="silent"))
    with pytest.raises(ServiceFailed, match="not ready within 3 s"):
        await services.__aenter__()
    assert told[-1].startswith("The embedded face service is starting, ")
    assert told[-1].endswith("so far: still compiling")


def command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


async def test_the_limit_reaches_the_service(tmp_path: Path) -> None:
    settings = Settings(embedded_start_seconds=25)
    async with EmbeddedServices(settings, tmp_path, print, only=["face"], command=fake()) as services:
        arguments = command_line(services.running["face"].process.pid)
    assert arguments[arguments.index("--start-seconds") + 1] == "25"


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ServiceFailed, match="No such file"):
        await ServiceProcess.start("face", [str(tmp_path / "none")], tmp_path / "logs" / "face.log")


async def test_a_service_that_will_not_end_is_killed_within_two_seconds(tmp_path: Path) -> None:
    async with EmbeddedServices(Settings(), tmp_path, print, only=["face"], command=fake(face="stubborn")) as services:
        pid = services.running["face"].process.pid
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 2.0
    assert not alive(pid)


async def test_a_dead_service_comes_back_on_its_port(tmp_path: Path) -> None:
    told = Told()
    async with EmbeddedServices(Settings(), tmp_path, told, only=["speech"], command=fake()) as services:
        first = services.running["speech"]
        first.process.kill()
        await told.of("is back")
        second = services.running["speech"]
        assert (second.port, second.process.pid != first.process.pid) == (first.port, True)
        async with open_channel(services.settings.tts.endpoint) as channel:
            assert await warm(channel, 5.0) == "unknown"
    assert told == [
        "The embedded speech service was killed by SIGKILL; it is started again.",
        "The embedded speech service is back.",
    ]


async def test_a_service_that_keeps_dying_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF", (0.0, 0.0))
    told = Told()
    good, bad = fake(), fake(face="crash")
    starts = 0

    def once(name: str, tls: Path, home: Path, port: int = 0) -> list[str]:
        nonlocal starts
        starts += 1
        return (good if starts == 1 else bad)(name, tls, home, port)

    async with EmbeddedServices(Settings(), tmp_path, told, only=["face"], command=once) as services:
        services.running["face"].process.kill()
        await told.of("not started again")
    assert starts == 3
    assert [line for line in told if "is back" in line] == []
    assert "IndexError" in told[-1]


async def test_workers_of_a_killed_service_die_with_it(tmp_path: Path) -> None:
    told = Told()
    async with EmbeddedServices(Settings(), tmp_path, told, only=["speech"], command=fake(speech="worker")) as services:
        worker = services.running["speech"].ready["worker"]
        services.running["speech"].process.kill()
        await until(lambda: not alive(worker))
        await told.of("is back")
        worker = services.running["speech"].ready["worker"]
    await until(lambda: not alive(worker), 2.0)


async def test_cancelled_while_starting_nothing_is_left(tmp_path: Path) -> None:
    services = EmbeddedServices(Settings(embedded=True), tmp_path, print, command=fake(face="silent"))
    entering = asyncio.create_task(services.__aenter__())
    await until(lambda: len(services.running) == 2)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert not any(alive(service.process.pid) for service in services.running.values())


PARENT = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = [{here!r}, {root!r}]
from test_supervisor import fake
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.settings.model import Settings

async def main():
    async with EmbeddedServices(Settings(embedded=True), Path({home!r}), print, command=fake()) as services:
        print(*(service.process.pid for service in services.running.values()), flush=True)
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_survives_the_parent_even_if_it_is_killed(tmp_path: Path, sig: signal.Signals) -> None:
    code = PARENT.format(here=str(FAKE.parent), root=str(FAKE.parents[2]), home=str(tmp_path))
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 3
    assert all(alive(pid) for pid in pids)
    parent.send_signal(sig)
    await parent.wait()
    await until(lambda: not any(alive(pid) for pid in pids), 2.0)


async def test_logs_are_private_and_the_last_start_is_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ServiceFailed):
            async with EmbeddedServices(Settings(), tmp_path, print, only=["face"], command=fake(face="crash")):
                pytest.fail("must not be entered")
    assert (tmp_path / "logs").stat().st_mode & 0o077 == 0
    assert {"face.log", "face.old.log"} == {path.name for path in (tmp_path / "logs").iterdir()}


def test_set_up_shows_progress_and_names_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Good:
        @staticmethod
        def prepare(home: Path, report: Callable[[str], None], language: str = "") -> None:
            report(f"building [once] {language}".strip())

    class Bad:
        @staticmethod
        def prepare(home: Path, report: Callable[[str], None]) -> None:
            raise RuntimeError("the package index cannot be reached")

    modules = {"pipelines.embedded.speech.prepare": Good, "pipelines.embedded.triton.environment": Good}
    monkeypatch.setattr(program, "importlib", SimpleNamespace(import_module=modules.__getitem__))
    console = Console(file=io.StringIO(), width=40)  # what failed is on one line all the same
    assert program.prepare(tmp_path, console, language="de-DE") == 0
    assert (tmp_path / "tls" / "server.crt").is_file()
    modules["pipelines.embedded.triton.environment"] = Bad
    assert program.prepare(tmp_path, console, language="de-DE") == 1
    told = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert told.count("  Building [once] de-DE\n") == 2
    assert told.count("  Building [once]\n") == 1
    assert told.count("Set-up is complete") == 1
    assert "triton: set-up failed: the package index cannot be reached" in told


def test_in_the_foreground_services_are_shown_and_a_configuration_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.settings.model import load_settings

    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(supervisor.EmbeddedServices.__init__, "__kwdefaults__", {"only": None, "command": fake()})
    written = tmp_path / "mine.yaml"
    original = program._write

    def write_and_stop(path: Path, services: EmbeddedServices) -> None:
        original(path, services)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(program, "_write", write_and_stop)
    assert program.main(["--write", str(written)]) == 0
    told = capsys.readouterr().out
    assert "Embedded services" in told
    settings = load_settings(written, environment={})
    assert settings.llm.endpoint.target.startswith("127.0.0.1:")
    assert settings.llm.endpoint.tls.ca == tmp_path / "home" / "tls" / "ca.crt"


async def test_a_service_that_hangs_is_found_by_health_calls_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "EVERY_SECONDS", 0.1)
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.5)
    told = Told()
    async with EmbeddedServices(Settings(), tmp_path, told, only=["face"], command=fake()) as services:
        port, pid = services.running["face"].port, services.running["face"].process.pid
        os.kill(pid, signal.SIGSTOP)  # it lives, its port takes connections, and nothing is answered
        await told.of("is back")
        assert told == [
            "The embedded face service does not answer any more; it is started again.",
            "The embedded face service is back.",
        ]
        assert not alive(pid)
        async with open_channel(services.endpoint("face")) as channel:
            assert await warm(channel, 5.0) == "unknown"
        assert services.running["face"].port == port
