"""The command line: what it prints and writes, and with what it ends."""

import asyncio
import fcntl
import io
import json
import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import fake_machines as machines
import pytest
from fake_machines import FakeHost
from rich.console import Console

from pipelines.doctor import inventory, program
from pipelines.doctor.checklist import Check, Context, run_checks
from pipelines.doctor.finding import Finding, Mark, Result, fail, ok
from pipelines.doctor.manifest import Manifest, find_manifest, read_manifest
from pipelines.doctor.render import Shown, lines
from pipelines.embedded.process import ServiceFailed
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.settings.model import Settings, load_settings


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    async def no(host: str, port: int, seconds: float = 2.0) -> bool:
        return False

    fake = machines.spark()
    monkeypatch.setattr(program, "LocalHost", lambda: fake)
    monkeypatch.setattr(inventory, "listens", no)
    return fake


def test_the_checklist_and_its_exit_code(host: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--phase", "base", "--manifest", "dgx-spark"]) == 1
    shown = capsys.readouterr().out
    assert "expected: DGX Spark (dgx-spark.yaml)" in shown
    assert "✓ GPU memory" in shown
    assert "! node exporter               nothing on 127.0.0.1:9100\n" in shown
    assert "fix: sudo apt-get install prometheus-node-exporter" in shown
    assert "– conda" in shown
    assert shown.rstrip().endswith("–")


@pytest.mark.parametrize(
    ("files", "arm", "named", "wanted"),
    [
        ({}, False, None, "laptop.yaml"),
        ({}, True, None, "laptop.yaml"),
        ({"/sys/class/dmi/id/product_name": "XPS 13\n"}, False, None, "laptop.yaml"),
        ({"/etc/dgx-release": ""}, True, None, "dgx-spark.yaml"),
        ({"/sys/class/dmi/id/product_name": "NVIDIA DGX Station\n"}, False, None, "dgx-guide.yaml"),
        ({"/etc/dgx-release": ""}, True, "mine.yaml", "mine.yaml"),
        ({}, False, "dgx-guide.yaml", "dgx-guide.yaml"),
    ],
)
def test_a_machine_is_measured_as_what_it_is(files: dict[str, str], arm: bool, named: str | None, wanted: str) -> None:
    host = FakeHost(files=files, runs_on=("6.1", "aarch64" if arm else "x86_64"))
    settings = Settings.model_validate({"stack": {"manifest": named}})
    assert program.default_manifest(settings, host) == wanted


@pytest.mark.parametrize(("config", "wanted"), [("spark", "dgx-spark.yaml"), ("workstation", "dgx-guide.yaml")])
def test_configurations_for_a_dgx_say_so(config: str, wanted: str) -> None:
    assert load_settings(config, environment={}).stack.manifest == wanted


@pytest.mark.parametrize("machine", [machines.no_driver, machines.mismatch, machines.guide, machines.spark])
async def test_nothing_of_nvidias_is_missed_on_a_laptop(
    machine: Callable[[], FakeHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def taken(host: str, port: int, seconds: float = 2.0) -> bool:
        return False

    monkeypatch.setattr(inventory, "listens", taken)
    fake, manifest = machine(), read_manifest(find_manifest("laptop"))
    context = Context(fake, manifest, Settings())
    async with aclosing(run_checks(program.BASE, context)) as found:
        marks = {finding.key: finding.result async for finding in found}
    wrong = {key: result for key, result in marks.items() if result.mark in (Mark.WARN, Mark.FAIL)}
    assert set(wrong) <= ({"driver"} if machine is machines.mismatch else set())
    assert not [key for key, result in marks.items() if result.mark is Mark.SKIP and "install" in result.fix]


async def test_checks_have_ended_when_their_findings_cannot_be_shown(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(Shown):
        def add(self, finding: Finding) -> None:
            raise BrokenPipeError

    async def quick(c: Context) -> Result:
        return ok("there")

    async def slow(c: Context) -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")
        raise AssertionError

    async def prepare() -> Settings:
        raise AssertionError

    ended: list[str] = []
    checks = [Check("base", "machine", probe.__name__, "", "", probe) for probe in (quick, slow)]
    monkeypatch.setattr(program, "BASE", checks)
    with pytest.raises(BrokenPipeError):
        await program.examine(
            prepare, Settings(), Manifest(title="none"), ("base",), host, shown=Closed(Console(file=io.StringIO()))
        )
    assert ended == ["slow"]


def test_what_is_broken_decides(host: FakeHost) -> None:
    del host.tools["docker version"]
    assert program.main(["--phase", "base", "--manifest", "dgx-spark"]) == 3


def test_json_and_a_recorded_machine(host: FakeHost, tmp_path: Path) -> None:
    report, mine = tmp_path / "report.json", tmp_path / "mine.yaml"
    program.main(["--phase", "base", "--manifest", "dgx-spark", "--json", str(report), "--write-manifest", str(mine)])
    told = json.loads(report.read_text())
    assert (told["manifest"], told["exit_code"]) == ("DGX Spark", 1)
    driver = next(row for row in told["findings"] if row["key"] == "driver")
    assert driver | {"seconds": 0} == {
        "phase": "base", "group": "machine", "key": "driver", "title": "NVIDIA driver", "mark": "ok",
        "found": "580.95.05 (NVML)", "expected": "at least 580", "fix": "", "version": "580.95.05",
        "why": "without it there is no GPU for anything", "seconds": 0,
    }  # fmt: skip
    assert str(read_manifest(mine).items["driver"]) == "580.95.05"
    assert program.main(["--phase", "base", "--manifest", str(mine)]) == 0
    host.tools["docker version"] = machines.says("29.0.0")
    assert program.main(["--phase", "base", "--manifest", str(mine)]) == 1
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".new")]
    assert program.main(["--phase", "base", "--json", str(report)]) == 2
    assert program.main(["--phase", "base", "--manifest", str(mine), "--write-manifest", str(mine), "--force"]) == 2


def test_a_pipe_and_a_link_are_written_into_and_stay(host: FakeHost, tmp_path: Path) -> None:
    pipe, link, kept = tmp_path / "pipe", tmp_path / "link", tmp_path / "kept"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)  # so that neither end waits for the other
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 1 << 20)
    link.symlink_to(kept)  # it leads nowhere yet
    base = ["--phase", "base", "--manifest", "dgx-spark"]
    try:
        assert program.main([*base, "--json", str(pipe), "--write-manifest", str(link)]) == 1
        assert json.loads(os.read(reader, 1 << 20))["exit_code"] == 1
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert str(read_manifest(kept).items["driver"]) == "580.95.05"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--manifest", "nobody.yaml"], "There is no manifest nobody.yaml"),
        (["--config", "nobody.yaml"], "There is no configuration nobody.yaml"),
        (["--set", "stack.prometheus=spark:9090"], "stack.prometheus"),
        (["--phase", "integration", "--watch"], "does not repeat the integration phase"),
        (["--phase", "base", "--json", "/nowhere/at/all.json"], "/nowhere/at/all.json cannot be written"),
        (["--phase", "base", "--write-manifest", "/"], "--write-manifest / is a folder"),
        (["--phase", "framework", "--write-manifest", "mine.yaml"], "name --phase base, too"),
    ],
)
def test_mistakes(host: FakeHost, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(arguments) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert not told.out  # nothing was looked at in vain
    assert not host.ran


def test_watching_looks_again_and_leaves_the_turn_out(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    looks = []

    async def examine(
        prepare: object, settings: object, manifest: object, phases: object, *_: object, **__: object
    ) -> list[Finding]:
        looks.append(phases)
        if len(looks) == 3:
            raise KeyboardInterrupt
        return []

    monkeypatch.setattr(program, "WATCH_SECONDS", 0.0)
    monkeypatch.setattr(program, "examine", examine)
    (tmp_path / "c.yaml").write_text("embedded: false\n")
    assert program.main(["--watch", "--config", str(tmp_path / "c.yaml")]) == 130
    assert looks == [("base", "framework")] * 3


def test_embedded_services_that_do_not_start_hide_nothing(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def fails(self: EmbeddedServices) -> EmbeddedServices:
        raise ServiceFailed("triton", "libpython is missing", "Its log is triton.log")

    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))
    monkeypatch.setattr(EmbeddedServices, "__aenter__", fails)
    assert program.main(["--manifest", "dgx-spark"]) == 3
    shown = capsys.readouterr().out
    assert "✓ GPU memory" in shown
    assert "✗ embedded services           the embedded triton service did not start: libpython is missing" in shown
    assert "fix: Its log is triton.log" in shown


def test_a_folder_for_the_embedded_services_that_is_not_ours(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOPHIA_HOME", "/proc/nobody/may")
    assert program.main(["--phase", "framework"]) == 3
    shown = capsys.readouterr().out
    assert "✗ embedded services           The data folder /proc/nobody/may cannot be used" in shown
    assert "fix: export SOPHIA_HOME=" in shown


@pytest.mark.parametrize(
    ("embedded", "named"), [("true", ["asr", "llm", "tts", "face"]), ("false", []), ("[tts, face]", ["tts", "face"])]
)
def test_stand_ins_are_called_stand_ins(  # noqa: PLR0917
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    embedded: str,
    named: list[str],
) -> None:
    class Started:
        def __init__(self, settings: Settings, *_: object) -> None:
            self.settings = settings

        async def __aenter__(self) -> "Started":
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

    async def probe(c: Context) -> Result:
        return ok("first token after 28 ms")

    mind = Check("framework", "services", "llm", "llm", "it thinks", probe)
    monkeypatch.setattr(program, "EmbeddedServices", Started)
    monkeypatch.setattr(program, "framework", lambda settings: [mind])
    report, config = tmp_path / "report.json", tmp_path / "c.yaml"
    config.write_text(f"embedded: {embedded}\n")
    assert program.main(["--phase", "framework", "--json", str(report), "--config", str(config)]) == 0
    (heading,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Framework")]
    assert heading.partition(", with ")[2].partition(";")[0] == (
        f"embedded stand-ins for {', '.join(named)}" if named else ""
    )
    told = json.loads(report.read_text())
    assert told["embedded_stand_ins"] == named


@pytest.mark.services
@pytest.mark.timeout(90)
def test_the_embedded_services_are_well(host: FakeHost, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert program.main(["--phase", "framework", "--json", str(report)]) == 0
    told = json.loads(report.read_text())
    assert told["embedded_stand_ins"] == ["asr", "llm", "tts", "face"]
    rows = {row["key"]: row for row in told["findings"]}
    for key in ("asr", "llm", "tts", "face", "round_trip", "models"):
        assert rows[key]["mark"] == "ok", rows[key]
    assert "first token after" in rows["llm"]["found"]
    assert "time" in rows["round_trip"]["found"].rpartition("recognised as")[2]


def finding(result: Result) -> Finding:
    return Finding("base", "machine", "gpu", "GPUs", "models run on them", result, 0.1)


def test_a_finding_as_it_is_shown() -> None:
    assert [str(line) for line in lines(finding(ok("0: A\n1: B")))] == [
        "  ✓ GPUs                        0: A",
        "                                1: B",
    ]
    assert [str(line).strip() for line in lines(finding(fail("none", "look", "there")))] == [
        "✗ GPUs                        none", "expected: there", "why: models run on them", "fix: look",
    ]  # fmt: skip


def test_at_a_terminal_prose_is_wrapped_and_commands_are_not() -> None:
    command = "sudo apt-get install nvidia-container-toolkit && sudo nvidia-ctk runtime configure --runtime=docker"
    shown = [str(line) for line in lines(finding(fail("no NVIDIA driver is installed, as it seems", command)), 60)]
    assert shown == [
        "  ✗ GPUs                        no NVIDIA driver is",
        "                                installed, as it seems",
        "      why: models run on them",
        f"      fix: {command}",
    ]
    wide = [str(line) for line in lines(finding(fail("none", command)), 120)]
    assert wide[-1] == f"{' ' * 32}fix: {command}"


def test_a_terminal_is_told_what_is_waited_for() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    shown = Shown(console)
    with shown.phase("base", ["GPUs", "memory"]):
        shown.add(finding(ok("0: A")))
    assert "memory … (1 to go)" in screen.getvalue()
    assert "\x1b[32m✓" in screen.getvalue()
    piped = io.StringIO()
    with Shown(Console(file=piped)).phase("base", ["GPUs"]):
        pass
    assert piped.getvalue() == "\nBase: the machine\n"
