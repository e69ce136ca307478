"""Outputs: never an input, nothing overwritten unasked, whole or not at all, ``-`` is standard output."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipelines.settings.layers import SettingsError
from pipelines.settings.model import load_settings
from pipelines.settings.outputs import (
    STANDARD_OUTPUT,
    Output,
    check_outputs,
    folder,
    opened,
    output,
    outputs_of,
    printed_aside,
    read_by,
    write_text,
)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.wav").write_bytes(b"voice")
    Path("old.json").write_text("{}")
    Path("link.wav").symlink_to("in.wav")
    os.link("in.wav", "hard.wav")
    Path("deep").mkdir()


def refused(*names: str, read: tuple[str, ...] = ("in.wav",), force: bool = False) -> str:
    outputs = [Output(f"--{number}", output(name)) for number, name in enumerate(names)]
    try:
        check_outputs(outputs, read, force=force)
    except SettingsError as error:
        return "\n".join(error.lines)
    return ""


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["in.wav", "./in.wav", "deep/../in.wav", "link.wav", "hard.wav", "/dev/stdin"])
@pytest.mark.parametrize("read", [("in.wav",), ("link.wav",), (".",), ("nothing", "in.wav")])
def test_an_output_is_never_an_input(name: str, read: tuple[str, ...], force: bool) -> None:
    before = os.dup(0)
    source = os.open("in.wav", os.O_RDONLY)
    os.dup2(source, 0)
    try:
        assert "is read, too" in refused(name, read=read, force=force)
        assert "is read, too" in refused(str(Path(name).absolute()), read=read, force=force)
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(source)
    assert Path("in.wav").read_bytes() == b"voice"


def test_what_is_there_is_kept_unless_force_is_said() -> None:
    assert refused("old.json").endswith("old.json is there already; name another file, or say --force to overwrite it.")
    assert refused("old.json", force=True) == ""
    assert refused("new.json") == ""
    check_outputs([Output("--baseline", Path("old.json"), lambda path: path.read_text() == "{}")], [], force=False)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["new.json", "./new.json"], "--1 new.json is what --0 writes, too"),
        (["-", "/dev/stdout"], "--1 - is what --0 writes, too"),
        (["deep"], "is a folder"),
        ([""], "is a folder"),
        (["nowhere/x.json"], "there is no folder nowhere"),
        (["old.json/x.json"], "cannot be written: Not a directory"),
        (["x" * 300], "File name too long"),
        (["a\0b"], "cannot be written"),
        (["~nosuchuser/x.json"], "there is no folder ~nosuchuser"),
    ],
)
def test_what_cannot_be_written_is_told_in_a_line(names: list[str], why: str) -> None:
    told = refused(*names, force=True)
    assert why in told
    assert "\n" not in told


def test_a_folder_that_will_be_made_must_have_a_place() -> None:
    def told(path: str, *others: Output) -> str:
        try:
            check_outputs([Output("--out", Path(path), in_new_folder=True), *others], [], force=False)
        except SettingsError as error:
            return "\n".join(error.lines)
        return ""

    assert told("new/er/run.json") == ""
    assert told(str(Path("new/er/run.json").absolute())) == ""
    assert "old.json" in told("old.json/er/run.json")
    assert "/proc" in told("/proc/x/run.json") or os.geteuid() == 0
    assert "is what --out writes, too" in told(
        "new/run.json", Output("--json", Path("new/run.json"), in_new_folder=True)
    )


def test_devices_pipes_and_standard_output_are_there_to_be_written() -> None:
    os.mkfifo("pipe")
    for name in ("/dev/null", "pipe", "-", "/dev/fd/1", "/dev/stderr"):
        assert refused(name) == ""


def test_a_folder_is_no_standard_output() -> None:
    with pytest.raises(Exception, match="no folder"):
        folder("-")


def test_keys_configurations_and_spans_count(tmp_path: Path) -> None:
    Path("my.yaml").write_text("tts: {endpoint: {tls: {ca: lab.crt}}}\ntelemetry: {exporter: json, file: in.wav}\n")
    Path("lab.crt").write_text("authority")
    settings = load_settings("my.yaml", environment={})
    read = read_by(["my.yaml"], settings)
    for name in ("my.yaml", "lab.crt"):
        with pytest.raises(SettingsError, match="is read, too"):
            check_outputs([Output("--json", Path(name))], read, force=True)
    with pytest.raises(SettingsError, match=r"telemetry\.file .*in\.wav is there already"):
        check_outputs(outputs_of(settings), read, force=False)
    Path("in.wav").write_text('{"name": "a span"}\n')
    check_outputs(outputs_of(settings), read, force=False)


def test_a_text_comes_to_be_as_a_whole_and_keeps_mode_and_link() -> None:
    Path("link.json").symlink_to("old.json")
    Path("old.json").chmod(0o640)
    write_text(Path("link.json"), "new \udcff\n")
    assert Path("link.json").is_symlink()
    assert Path("old.json").read_text() == "new \\udcff\n"
    assert Path("old.json").stat().st_mode & 0o777 == 0o640
    write_text(Path("fresh.json"), "x")
    umask = os.umask(0)
    os.umask(umask)
    assert Path("fresh.json").stat().st_mode & 0o777 == 0o666 & ~umask
    assert not list(Path().glob(".new-*"))


def test_a_disk_that_fills_up_leaves_the_old_file() -> None:
    code = """
import resource, signal, sys
from pathlib import Path
from pipelines.settings.outputs import write_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_text(Path("old.json"), "x" * 100_000)
except OSError as error:
    print(error.filename, error.strerror)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30).stdout
    assert told == "old.json File too large\n"
    assert Path("old.json").read_text() == "{}"
    assert not list(Path().glob(".new-*"))


def test_standard_output_holds_the_output_alone_behind_what_was_there(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with printed_aside(None, STANDARD_OUTPUT):
        print("aside")
        write_text(STANDARD_OUTPUT, "the output\n")
        with opened(STANDARD_OUTPUT) as file:
            file.write("a line\n")
    told = capfd.readouterr()
    assert (told.out, told.err) == ("before\nthe output\na line\n", "aside\n")


def test_standard_output_that_is_appended_to_a_file_keeps_that_file() -> None:
    code = "from pipelines.settings.outputs import *; write_text(STANDARD_OUTPUT, 'more')"
    with Path("log").open("a") as log:
        log.write("what was there, ")
        log.flush()
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True, timeout=30)
    assert Path("log").read_text() == "what was there, more"


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no /dev/shm")
def test_a_file_in_memory_is_a_file_and_no_device() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        path = Path(memory) / "out"
        for text in ("the longer of the two", "short"):
            write_text(path, text)
            assert path.read_text() == text
