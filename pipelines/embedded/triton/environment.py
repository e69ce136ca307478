"""The environment that tritonserver runs in: its own, because it wants numpy 1 and nothing of ours.

The server comes out of the nvidia-pytriton wheel. Its Python stub links libpython and takes the standard library from
the first ``python3`` on the path. Both must be of the very same patch version, or models fail in strange ways. So the
environment is made on an interpreter for which a matching libpython is found. Loading it is the check.

    python -m pipelines.embedded.triton.environment [--home DIR]
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.home import home as default_home

WHEEL = "nvidia-pytriton==0.7.0"
SERVER = "tritonserver 2.51"
"""The release inside the wheel (24.10)."""

NUMPY = "numpy<2"
"""The stub of this release crashes at the first request with numpy 2."""

PYTHONS = ((3, 9), (3, 12))
"""Oldest and newest Python for which the wheel has a stub and numpy 1 has wheels."""

Report = Callable[[str], None]


class Unavailable(RuntimeError):
    """Triton cannot run here; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A usable environment. ``libpython`` is the folder for ``LD_LIBRARY_PATH``, ``server`` the unpacked server."""

    folder: Path
    version: tuple[int, int]
    libpython: Path
    server: Path

    @property
    def binary(self) -> Path:
        return self.server / "bin" / "tritonserver"

    def files(self) -> list[Path]:
        """What a backend folder must hold: the backend, its helper module, and the stub for this Python."""
        backend = self.server / "backends" / "python"
        stub = self.server / "python_backend_stubs" / "{}.{}".format(*self.version) / "triton_python_backend_stub"
        return [backend / "libtriton_python.so", backend / "triton_python_backend_utils.py", stub]


def prepare(home: Path, report: Report) -> Environment | None:
    """Makes ``home/triton`` if it is missing or outdated; reports progress line by line.

    Where Triton cannot be had it says so in one line and returns None: the mind is served without it then, which is
    no failure of the set-up.
    """
    try:
        return make(home, report)
    except Unavailable as error:
        report(f"Triton: {error}. Nova will be served without it.")
        return None


def make(home: Path, report: Report) -> Environment:
    """Like :func:`prepare`, but raises :class:`Unavailable` with the reason if Triton cannot be had."""
    _platform()
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home / "triton.lock"):
        try:
            return installed(home)
        except Unavailable:
            return _install(home / "triton", report)


def installed(home: Path) -> Environment:
    """The environment as :func:`make` left it; raises :class:`Unavailable` if it is missing or outdated. Fast."""
    _platform()
    folder = home / "triton"
    try:
        stamp = json.loads((folder / "stamp.json").read_text())
        environment = Environment(
            folder, (stamp["version"][0], stamp["version"][1]), Path(stamp["libpython"]), Path(stamp["server"])
        )
        if stamp["hash"] != _hash(environment):
            raise Unavailable("Triton's environment is outdated: run the set-up again")
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        raise Unavailable("Triton's environment is not set up yet") from None
    return environment


def _platform() -> None:
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ("x86_64", "aarch64"):
        raise Unavailable(f"NVIDIA has no Triton wheel for {platform.system()} on {machine}")
    name, version = platform.libc_ver()
    if name == "glibc" and tuple(int(n) for n in version.split(".")[:2]) < (2, 35):
        raise Unavailable(f"Triton's wheel needs glibc 2.35, this system has {version}")


def _hash(environment: Environment) -> str:
    """Changes with what we install and with the interpreter underneath, which the system may upgrade."""
    library = environment.libpython / _library(environment.version)
    parts = [WHEEL, NUMPY, str(library.stat().st_mtime_ns), str(environment.binary.stat().st_size)]
    parts += [str(path.stat().st_size) for path in environment.files()]
    parts.append(str((environment.folder / "bin" / "python3").resolve(strict=True).stat().st_mtime_ns))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _install(folder: Path, report: Report) -> Environment:
    started = time.monotonic()
    python, version, library = _interpreter()
    report(f"Triton: making its own environment on {python} ({'.'.join(map(str, version))})")
    shutil.rmtree(folder, ignore_errors=True)
    ours = importlib.util.find_spec("pip") is not None
    _run([str(python), "-m", "venv", *(["--without-pip"] if ours else []), str(folder)], "making the environment")
    inside = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(inside)] if ours else [str(inside), "-m", "pip"]
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary=:all:"]
    report(f"Triton: installing {NUMPY} and {WHEEL} (about 75 MB)")
    _run([*install, NUMPY], f"installing {NUMPY}")
    _run([*install, "--no-deps", WHEEL], f"installing {WHEEL}")
    pure = _run([str(inside), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    environment = Environment(folder, version[:2], library.parent, Path(pure) / "pytriton" / "tritonserver")
    missing = [path.name for path in [environment.binary, *environment.files()] if not path.exists()]
    if missing:
        raise Unavailable(f"the wheel {WHEEL} lacks {', '.join(missing)}")
    stamp = {
        "version": version[:2], "libpython": str(library.parent), "server": str(environment.server),
        "hash": _hash(environment),
    }  # fmt: skip
    (folder / "stamp.json").write_text(json.dumps(stamp))
    report(f"Triton: {SERVER} is installed, {time.monotonic() - started:.0f} s")
    return environment


def _interpreter() -> tuple[Path, tuple[int, int, int], Path]:
    """A Python that Triton supports and its libpython; ours first, then what the path and the system offer."""
    low, high = PYTHONS
    names = [f"python3.{minor}" for minor in (11, 12, 10, 9)]
    found = [getattr(sys, "_base_executable", None), *map(shutil.which, names), *(f"/usr/bin/{n}" for n in names)]
    tried: list[str] = []
    for python in dict.fromkeys(p for p in found if p and Path(p).exists()):
        code = (
            "import json, sys, sysconfig; "
            "print(json.dumps([sys.version_info[:3], [sysconfig.get_config_var('LIBDIR'), sys.base_prefix + '/lib']]))"
        )
        try:
            version, folders = json.loads(_run([python, "-c", code]))
        except (Unavailable, ValueError):
            continue
        if not low <= (version[0], version[1]) <= high:
            tried.append(f"{python} is {version[0]}.{version[1]}")
            continue
        if library := _libpython(tuple(version), folders):
            return Path(python), (version[0], version[1], version[2]), library
        tried.append(f"{python} has no {_library((version[0], version[1]))} of its version")
    raise Unavailable(
        f"no Python {low[0]}.{low[1]} to {high[0]}.{high[1]} with its libpython for Triton"
        + (f" ({'; '.join(tried)})" if tried else "")
        + ": install libpython3.11 and python3.11-venv"
    )


def _library(version: tuple[int, int]) -> str:
    return f"libpython{version[0]}.{version[1]}.so.1.0"


def _libpython(version: tuple[int, ...], folders: list[str | None]) -> Path | None:
    """The shared library of exactly this version, found beside the interpreter or by the loader's cache."""
    name = _library((version[0], version[1]))
    candidates = [Path(folder, name) for folder in folders if folder]
    for ldconfig in ("/sbin/ldconfig", "/usr/sbin/ldconfig"):
        if Path(ldconfig).exists():
            candidates += map(Path, re.findall(rf"=> (\S*/{re.escape(name)})", _run([ldconfig, "-p"])))
            break
    code = (
        "import ctypes, sys; version = ctypes.CDLL(sys.argv[1]).Py_GetVersion; version.restype = ctypes.c_char_p; "
        "print(version().decode())"
    )
    for candidate in candidates:
        if candidate.exists():
            try:
                answer = _run([sys.executable, "-c", code, str(candidate)])
            except Unavailable:  # built for something else; the next may fit
                continue
            if answer.split()[0] == ".".join(map(str, version)):
                return candidate
    return None


def _run(command: list[str], what: str = "") -> str:
    what = what or Path(command[0]).name
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=900, env=environment, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{what} failed: {error}") from None
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()] or ["no output"]
        shown = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1])
        raise Unavailable(f"{what} failed: {shown.strip()[:300]}")
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description="Sets up the environment that tritonserver runs in.")
    parser.add_argument("--home", type=Path, default=None, metavar="DIR", help="data folder (default: the project's)")
    folder: Path = parser.parse_args().home or default_home()
    environment = prepare(folder, print)
    if environment is None:
        raise SystemExit(1)
    print(f"Triton: {SERVER} in {environment.folder}")


if __name__ == "__main__":
    main()
