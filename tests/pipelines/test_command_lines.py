"""The command lines of all programs: bad names end in one line, whatever is missing, closed, full or not UTF-8."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.command.run import run

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "certs": "pipelines.certs",
    "doctor": "pipelines.doctor.program",
    "embedded": "pipelines.embedded.__main__",
    "evals": "pipelines.evals.__main__",
    "load": "pipelines.load.__main__",
    "models": "pipelines.models",
    "monitoring": "pipelines.monitoring.__main__",
    "nova_benchmark": "pipelines.nova_benchmark",
    "replay": "pipelines.replay.__main__",
    "settings": "pipelines.settings.model",
    "takes": "pipelines.takes.__main__",
    "tune": "pipelines.tune.__main__",
    "voice_loop": "pipelines.voice_loop",
}
BAD = ("~nosuchuser/x", "locked/x", "x" * 300, "", "in.wav/x", "nowhere/x", "odd\udcff", "1²3.wav")
"""Names that no program can read. None can write the first six either."""

READS = {
    "certs": ["--show {}/x"],
    "doctor": ["--manifest {}", "--config {}"],
    "embedded": ["--config {}"],
    "evals": ["{}", "--functions {}", "--functions bfcl --answers {}", "--config {}"],
    "load": ["{}", "--simulate {}", "--config {}"],
    "models": ["check {}", "place nomodel --weights {}", "place nomodel --copy {}", "state {}", "state m --config {}",
               "state m --config lab.yaml --admin-key-file {}", "canary m --config lab.yaml --talks {}"],
    "monitoring": ["ask {}"],
    "nova_benchmark": ["--config lab.yaml --thresholds {}", "--config {}"],
    "replay": ["{}", "--config {}", "--resume {}", "--simulate {}", "--profile-from {}", "--baseline {}", "--show {}"],
    "settings": ["{}"],
    "takes": ["export {} --wav x.wav", "check {}"],
    "tune": ["{}", "--simulate {}", "--config {}"],
    "voice_loop": ["--config {}", "--soundbite {}"],
}  # fmt: skip
FOLDERS = {
    "replay": ["--simulate --report", "--simulate --out"],
    "voice_loop": ["--record"],
}
WRITES = {
    "doctor": ["--json", "--write-manifest"],
    "embedded": ["--write"],
    "evals": ["--json", "--functions bfcl --json"],
    "load": ["--json", "--csv", "--plot"],
    "models": ["check --json", "canary m --config lab.yaml --answers"],
    "nova_benchmark": ["--config lab.yaml --json", "--config lab.yaml --plot"],
    "replay": ["--simulate --save-profile"],
    "takes": [f"export take --{name}" for name in ("usd", "wav", "srt", "vtt", "csv", "json")],
    "tune": ["--overlay", "--plot"],
    "voice_loop": ["--json", "--reply"],
}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))
    Path("in.wav").write_bytes(b"voice")
    Path("1²3.wav").mkdir()
    Path("lab.yaml").write_text("llm: {endpoint: {target: '127.0.0.1:1', connect_seconds: 0.2}}\n")
    Path("locked").mkdir(mode=0o000)


def ended(program: str, *arguments: str) -> int | str | None:
    """The exit code of a program in this process; anything but ``SystemExit`` would be a traceback."""
    main = importlib.import_module(PROGRAMS[program]).main
    with pytest.raises(SystemExit) as end:
        run(lambda: main(list(arguments)))
    return end.value.code


@pytest.mark.parametrize("program", READS)
def test_a_name_that_cannot_be_read_is_a_line(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in READS[program]:
        for bad in BAD:
            if not bad and command.endswith(" {}/x"):
                continue
            code = ended(program, *(word.replace("{}", bad) for word in command.split()))
            told = capsys.readouterr()
            assert isinstance(code, int), (command, bad)
            assert code or (program, command.split()[0]) == ("certs", "--show"), (command, bad)
            assert (told.out + told.err).strip(), (command, bad)
            assert "Traceback" not in told.out + told.err


@pytest.mark.parametrize("program", WRITES)
def test_a_name_that_cannot_be_written_is_a_line_before_anything_runs(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in WRITES[program]:
        for bad in (*BAD[:6], ".", "in.wav"):
            if os.geteuid() == 0 and bad == "locked/x":
                continue  # nothing is locked for root
            assert ended(program, *command.split(), bad) == 2, (command, bad)
            told = "".join(capsys.readouterr())
            assert len(told.strip().splitlines()) == 1, (command, bad, told)
    assert Path("in.wav").read_bytes() == b"voice"


@pytest.mark.parametrize("program", FOLDERS)
def test_a_folder_that_cannot_be_made_is_a_line_before_anything_runs(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in FOLDERS[program]:
        for bad in ("in.wav", "in.wav/x", "x" * 300, "", "-", "/dev/null/x"):
            assert ended(program, *command.split(), bad) == 2, (command, bad)
            told = "".join(capsys.readouterr()).strip()
            assert told
            assert "Traceback" not in told
            assert len([line for line in told.splitlines() if line.startswith("--")]) <= 1, (command, bad, told)


def test_a_recording_and_the_ledgers_are_not_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("voice_loop", "--record", "take", "--json", "take/turns.jsonl") == 2
    assert "--record" in capsys.readouterr().err
    assert not Path("take").exists()


@pytest.mark.parametrize("held", ["manifest.json", "turns.jsonl"])
def test_a_folder_that_holds_a_recording_is_refused_before_anything_runs(
    held: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("take").mkdir()
    Path("take", held).touch()
    assert ended("voice_loop", "--config", "lab.yaml", "--record", "take") == 2
    assert f"--record take already holds {held}; name another folder." in capsys.readouterr().err


def process(*command: str, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {key: value for key, value in os.environ.items() if key not in ("HOME", "PYTHONIOENCODING")}
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, errors="replace", timeout=60, check=False,
        env={**given, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


@pytest.mark.parametrize("program", ["settings", "voice_loop", "doctor", "replay"])
def test_a_python_without_our_packages_is_told_how_to_set_up(program: str) -> None:
    done = process(sys.executable, "-S", "-m", f"pipelines.{program}")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "is not installed for" in line
    assert " -m …" in line or "make -C" in line


def test_ctrl_c_during_imports_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("raise KeyboardInterrupt")  # as if it came while this is imported
    done = process(sys.executable, "-m", "pipelines.settings", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert (done.returncode, done.stderr) == (130, "")


def test_output_never_fails_on_its_encoding() -> None:
    for program in ("settings", "doctor"):
        more = ["--phase", "base", "--manifest", "nobody✓.yaml"] if program == "doctor" else []
        done = process(sys.executable, "-m", f"pipelines.{program}", *more, PYTHONIOENCODING="ascii", HOME="/nowhere")
        assert "Traceback" not in done.stderr
        assert done.returncode == (2 if more else 0)
    assert "nobody\\u2713.yaml" in done.stderr


@pytest.fixture
def closed() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_a_reader_that_has_enough_and_a_full_disk_are_quiet_and_a_line(closed: int) -> None:
    command = (sys.executable, "-m", "pipelines.settings")
    done = process(*command, stdout=closed)
    assert (done.returncode, done.stderr) == (141, "")
    with open("/dev/full", "w") as full:
        done = process(*command, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (6, "Standard output cannot be written: No space left on device.\n")


@pytest.mark.parametrize(
    ("closes", "arguments", "code", "told"),
    [
        (">&-", "voice_loop --config lab.yaml --json -", 2, "--json - cannot be written: standard output is closed."),
        (">&-", "voice_loop --config lab.yaml --soundbite {wav}", 3, ""),
        ("<&- >&-", "settings", 0, ""),
        ("2>&-", "settings nowhere.yaml", 2, ""),
        ("2>&-", "voice_loop --nosuch", 2, ""),
        ("<&- >&- 2>&-", "settings nowhere.yaml", 2, ""),
    ],
)
def test_closed_streams_are_no_traceback_and_errors_are_no_output(
    closes: str, arguments: str, code: int, told: str
) -> None:
    words = arguments.format(wav=ROOT / "pipelines/soundbites/02_what_time.wav").split()
    words[0] = f"pipelines.{words[0]}"
    done = process("sh", "-c", f'exec "$@" {closes}', "sh", sys.executable, "-m", *words)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (code, "", told)


def test_no_file_takes_the_number_of_a_closed_stream() -> None:
    Path("opens.py").write_text(
        "import os\nfrom pipelines.command.run import run\n"
        "run(lambda: os.open('in.wav', os.O_RDONLY) + 10)\n"  # the code is its number, and ten
    )
    done = process("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "opens.py")
    assert done.returncode > 12


def test_a_closed_pipe_is_no_verdict(closed: int) -> None:
    """rich exits with 1, which of a replay means slower."""
    Path("prints.py").write_text(
        "from rich.console import Console\nfrom pipelines.command.run import run\nrun(lambda: Console().print('x'))\n"
    )
    done = process(sys.executable, "prints.py", stdout=closed)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("home", ["/dev/null/x", "in.wav", "/proc/x", "~nosuchuser/x", "x" * 256])
def test_a_data_folder_that_cannot_be_used_is_a_line(
    home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOPHIA_HOME", home)
    assert ended("certs") in (1, 2)
    assert ended("embedded", "--prepare") in (2, 3)
    assert ended("voice_loop", "--soundbite", str(ROOT / "pipelines/soundbites/02_what_time.wav"), "--once") == 2
    told = capsys.readouterr()
    assert (told.out + told.err).count("SOPHIA_HOME to a folder of yours") == 3
    assert "Traceback" not in told.out + told.err
