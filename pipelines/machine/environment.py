"""Where and with what figures were taken: kept beside them, so that two runs can be told apart.

No host name, no user name, no path: what is in here is fit to be published with the figures.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from pipelines.machine.gpu import GpuAbsent, Nvml

PROJECT: Final = "sophia-avatar"
PACKAGES: Final = (PROJECT, "grpcio", "numpy", "nvidia-riva-client", "tritonclient")
"""Those whose version may show in a latency."""

GIT_SECONDS: Final = 2.0
GPU_SECONDS: Final = 3.0
"""How long git and the driver may take to answer; without an answer it is as if they were not there."""

NOT_FOR_LATENCY: Final = ("telemetry", "speaker", "stack")
"""Sections that :func:`config_hash` passes over: where spans go, a loudspeaker that replay does not have, what only the
doctor looks at."""

ENDPOINT: Final = "endpoint"
"""A section of each service that :func:`config_hash` passes over: address, certificates and keys, which differ from one
machine to the next, and with embedded services from one start to the next."""

_PROJECT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, Any]:
    """Date (UTC), commit, versions, machine and GPU; None for what cannot be told. Ready for JSON.

    ``commit`` and ``dirty`` (changes that are not in it) are of the project's own checkout; None where it was installed
    from a wheel, or without git. ``memory_mib`` is what the machine has. Blocks for some 20 ms, and no longer than
    :data:`GIT_SECONDS` twice and :data:`GPU_SECONDS`.
    """
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no") if commit else None
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "dirty": None if changes is None else bool(changes),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "machine": platform.machine(),
        "cpu": _line("/proc/cpuinfo", "model name", ":"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mib": _memory_mib(),
        "os": _os(),
        "kernel": f"{platform.system()} {platform.release()}",
        **_gpu(),
    }


def project_version() -> str | None:
    """The version that is installed; None in a checkout that was not installed."""
    return _version(PROJECT)


def config_hash(config: Mapping[str, Any]) -> str:
    """16 hexadecimal digits of what could change a latency in ``config``, the effective settings as plain data.

    Key order does not matter. :data:`NOT_FOR_LATENCY` and each service's :data:`ENDPOINT` are passed over. Raises
    ``TypeError`` for what JSON cannot hold.
    """
    counts = {name: value for name, value in config.items() if name not in NOT_FOR_LATENCY}
    canonical = json.dumps(_without_endpoints(counts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _without_endpoints(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_endpoints(inner) for name, inner in value.items() if name != ENDPOINT}
    return value


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    if not (_PROJECT / ".git").exists():  # else git would look further up, and find somebody else's checkout
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(_PROJECT), *arguments],
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # never in the way of whoever works in the checkout
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _gpu() -> dict[str, Any]:
    """``gpus`` (their names) and ``driver``; asked in a thread, because a broken driver may never answer."""
    found: dict[str, Any] = {"gpus": [], "driver": None}

    def ask() -> None:
        try:
            nvml = Nvml()
        except GpuAbsent:
            return
        try:
            found.update(nvml.describe())
        finally:
            nvml.close()

    thread = threading.Thread(target=ask, name="gpu-name", daemon=True)
    thread.start()
    thread.join(GPU_SECONDS)
    return dict(found)


def _memory_mib() -> int | None:
    total = _line("/proc/meminfo", "MemTotal", ":")
    return int(total.split()[0]) // 1024 if total else None


def _os() -> str | None:
    name = _line("/etc/os-release", "PRETTY_NAME", "=")
    return name.strip('"') if name else None


def _line(path: str, name: str, separator: str) -> str | None:
    """The value of ``name`` in a file of names and values."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = (line.partition(separator) for line in lines)
    return next((value.strip() for key, _, value in found if key.strip() == name), None)
