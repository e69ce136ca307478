"""Tools that hang, flood, or try to steer the terminal; real processes."""

import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.doctor.host import MOST_BYTES, LocalHost, printable


async def python(code: str, seconds: float = 5.0, host: LocalHost | None = None):
    return await (host or LocalHost()).run(sys.executable, "-c", code, seconds=seconds)


async def test_output_code_and_language() -> None:
    output = await python("import os, sys; print(os.environ['LC_ALL']); print('no', file=sys.stderr); sys.exit(3)")
    assert (output.code, output.text, output.error, output.trouble) == (3, "C\n", "no\n", "")
    assert not output.good
    assert output.line == "no"  # of a tool that fails, what it complains of goes first


async def test_a_tool_that_is_not_there() -> None:
    assert (await LocalHost().run("a-tool-that-nobody-has")).trouble == "missing"


async def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_bytes(b"\x00\x01")
    assert (await LocalHost().run(str(tool))).trouble == "denied"
    tool.chmod(0o755)
    assert (await LocalHost().run(str(tool))).trouble == "denied"


async def test_tools_are_looked_for_where_this_user_may_look(tmp_path: Path) -> None:
    here = tmp_path / "bin"
    here.mkdir()
    (here / "tool").write_text("#!/bin/sh\necho mine\n")
    (here / "text").write_text("no program\n")
    (here / "tool").chmod(0o755)
    host = LocalHost({"PATH": f"{tmp_path}/nowhere:{__file__}:{here}"})  # none, like one that is locked
    assert (await host.run("tool")).text == "mine\n"
    assert (await host.run("text")).trouble == "denied"
    assert (await host.run("a-tool-that-nobody-has")).trouble == "missing"


async def test_an_empty_path_does_not_mean_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho I am not\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert (await LocalHost({"PATH": ""}).run("nvidia-smi")).text != "I am not\n"


def test_the_kernel_is_asked_without_a_tool() -> None:
    assert LocalHost({"PATH": ""}).kernel() == (os.uname().release, os.uname().machine)


async def test_a_tool_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    child = f"import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); open({str(pids)!r}, 'w').write(str(p.pid)); time.sleep(60)"  # noqa: E501
    output = await python(child, seconds=1.0)
    assert output.trouble == "hangs"
    for _ in range(100):
        if not alive(int(pids.read_text())):
            break
        time.sleep(0.01)  # noqa: ASYNC251 - the kernel ends it, not our loop
    assert not alive(int(pids.read_text()))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


async def test_a_flood_ends() -> None:
    output = await python("import sys\nwhile True: sys.stdout.write('x' * 65536)")
    assert len(output.text) == MOST_BYTES


async def test_a_tool_cannot_steer_the_terminal() -> None:
    output = await python(r"print('\x1b]0;owned\x07\x1b[31mred\u202etxt')")
    assert output.text == "]0;owned[31mredtxt\n"


@given(st.binary())
def test_printable_is_harmless_and_settled(raw: bytes) -> None:
    text = printable(raw)
    assert "\x1b" not in text
    assert "\r" not in text
    assert printable(text) == text
    text.encode()


def test_files(tmp_path: Path) -> None:
    host = LocalHost()
    (tmp_path / "real.so.1.2").write_text("a\x1bb")
    (tmp_path / "link.so").symlink_to("real.so.1.2")
    assert host.read(str(tmp_path / "real.so.1.2")) == "ab"
    assert host.read(str(tmp_path)) is None
    assert host.read("\x00") is None
    assert host.names(str(tmp_path / "link*")) == [os.path.realpath(tmp_path / "real.so.1.2")]
