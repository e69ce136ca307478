from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import pytest

from pipelines.embedded.triton import environment as env
from pipelines.embedded.triton.environment import Unavailable, installed, make, prepare


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))


def fake(folder: Path) -> Path:
    """An environment made of empty files, stamped as good; returns its home."""
    home = folder / "home"
    triton = home / "triton"
    server = triton / "tritonserver"
    made = env.Environment(triton, (3, 11), folder, server)
    for file in [made.binary, *made.files(), triton / "bin" / "python3", folder / "libpython3.11.so.1.0"]:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    stamp = {"version": [3, 11], "libpython": str(folder), "server": str(server), "hash": env._hash(made)}
    (triton / "stamp.json").write_text(json.dumps(stamp))
    return home


def test_a_stamped_environment_is_used_as_it_is(tmp_path: Path) -> None:
    home = fake(tmp_path)
    assert prepare(home, pytest.fail) == installed(home)
    assert installed(home).version == (3, 11)


@pytest.mark.parametrize("changed", ["libpython3.11.so.1.0", "home/triton/tritonserver/bin/tritonserver"])
def test_what_changed_underneath_is_noticed(tmp_path: Path, changed: str) -> None:
    home = fake(tmp_path)
    (tmp_path / changed).write_text("upgraded")
    with pytest.raises(Unavailable, match="outdated"):
        installed(home)


@pytest.mark.parametrize("stamp", ["", "{}", "[]", '{"version": []}', "null"])
def test_a_broken_stamp_is_no_environment(tmp_path: Path, stamp: str) -> None:
    home = fake(tmp_path)
    (home / "triton" / "stamp.json").write_text(stamp)
    with pytest.raises(Unavailable, match="not set up yet"):
        installed(home)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="not set up yet"):
        installed(tmp_path)


def test_platforms_without_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
    with pytest.raises(Unavailable, match=r"needs glibc 2\.35, this system has 2\.31"):
        make(tmp_path, pytest.fail)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(Unavailable, match=r"no Triton wheel for .* on riscv64"):
        make(tmp_path, pytest.fail)


def test_no_python_with_its_libpython(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "_libpython", lambda version, folders: None)
    with pytest.raises(Unavailable, match=r"install libpython3\.11 and python3\.11-venv"):
        make(tmp_path, pytest.fail)


def test_a_libpython_of_another_version_does_not_do(tmp_path: Path) -> None:
    (tmp_path / "libpython3.11.so.1.0").write_text("not even a library")
    assert env._libpython((3, 11, 99), [None, str(tmp_path)]) is None


def test_a_failing_installation_says_what_pip_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "_interpreter", lambda: (Path(sys.executable), (3, 11, 0), tmp_path / "libpython"))
    monkeypatch.setattr(env, "NUMPY", "no-such-file-anywhere.whl")
    lines: list[str] = []
    with pytest.raises(Unavailable, match=r"installing no-such-file-anywhere.whl failed: .*no-such-file-anywhere"):
        make(tmp_path, lines.append)
    assert len(lines) == 2
    with pytest.raises(Unavailable, match="not set up yet"):
        installed(tmp_path)


def test_a_set_up_without_triton_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    lines: list[str] = []
    assert prepare(tmp_path, lines.append) is None
    assert len(lines) == 1
    assert lines[0].endswith("on riscv64. Nova will be served without it.")
