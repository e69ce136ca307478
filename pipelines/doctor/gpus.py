"""Reads what NVML, ``nvidia-smi`` and the kernel module say of driver and GPUs. Pure parsers and one way to ask."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pipelines.doctor.host import Host, Output

Why = Literal["missing", "no driver", "mismatch", "no device", "hangs", "unreadable"]

QUERY: Final = (
    "nvidia-smi",
    "--query-gpu=name,driver_version,memory.total,memory.used,temperature.gpu,power.draw,compute_cap,mig.mode.current",
    "--format=csv,noheader,nounits",
)
SECONDS: Final = 8.0
"""The driver of an idle machine takes seconds to wake without its persistence daemon."""

MOST: Final = 64
"""GPUs that are told of; no machine has more."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; None is what the driver does not tell. Memory is in MiB, None where it is the machine's own."""

    name: str
    memory: float | None = None
    used: float | None = None
    temperature: float | None = None
    power: float | None = None
    capability: str | None = None
    mig: bool | None = None


@dataclass(frozen=True, slots=True)
class Gpus:
    """All that is known. ``why`` tells why there is no driver to ask, ``said`` in the tool's own words."""

    source: str
    driver: str | None = None
    cuda: str | None = None
    found: tuple[Gpu, ...] = field(default=())
    why: Why | None = None
    said: str = ""


async def ask(host: Host) -> Gpus:
    """Asks NVML, and ``nvidia-smi`` where that does not answer."""
    nvml = of_nvml(await host.run(sys.executable, "-P", str(Path(__file__).with_name("nvml.py")), seconds=SECONDS))
    if nvml.found:
        return nvml
    asked = await host.run(*QUERY, seconds=SECONDS)
    smi = of_smi(asked)
    if smi.found:
        return Gpus(smi.source, smi.driver, cuda_of_smi(await host.run("nvidia-smi", seconds=SECONDS)), smi.found)
    absent = "shared library not found" in nvml.said.casefold()  # then there is no driver at all, not one that sleeps
    return smi if smi.why != "missing" or absent or nvml.why in (None, "missing") else nvml


def of_nvml(output: Output) -> Gpus:
    """What :mod:`pipelines.doctor.nvml` printed."""
    source = "NVML"
    if output.trouble == "missing":
        return Gpus(source, why="missing")
    if output.trouble == "hangs":
        return Gpus(source, why="hangs", said=f"NVML did not answer within {SECONDS:g} s")
    try:
        told = json.loads(output.text.splitlines()[0]) if output.good else None
    except (ValueError, IndexError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return Gpus(source, why="unreadable", said=output.line)
    if "trouble" in told:
        said = str(told["trouble"])[:300]
        return Gpus(source, why="missing" if "not installed" in said else failure(said), said=said)
    gpus = told.get("gpus")
    found = tuple(_gpu(gpu) for gpu in gpus[:MOST] if isinstance(gpu, dict)) if isinstance(gpus, list) else ()
    return Gpus(source, _text(told.get("driver")), _text(told.get("cuda")), found, None if found else "no device")


def of_smi(output: Output) -> Gpus:
    """What ``nvidia-smi`` answered to :data:`QUERY`: a line for each GPU, or why not."""
    source = "nvidia-smi"
    if output.trouble == "missing":
        return Gpus(source, why="missing", said="nvidia-smi is not installed")
    if output.trouble == "hangs":
        return Gpus(source, why="hangs", said=f"nvidia-smi did not answer within {SECONDS:g} s")
    if not output.good:
        return Gpus(source, why=failure(f"{output.error}\n{output.text}"), said=output.line)
    found, driver = [], None
    for line in output.text.splitlines()[:MOST]:
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 8 or not cells[0]:
            continue
        driver = _told(cells[1]) or driver
        memory = _number(cells[2])
        used = _number(cells[3]) if memory else None
        mig = {"Enabled": True, "Disabled": False}.get(cells[7])
        found.append(
            Gpu(cells[0][:80], memory or None, used, _number(cells[4]), _number(cells[5]), _told(cells[6]), mig)
        )
    if not found:
        why = failure(output.text)
        return Gpus(source, why=why, said=output.line or "nvidia-smi names no GPU")
    return Gpus(source, driver, None, tuple(found))


def cuda_of_smi(output: Output) -> str | None:
    """The newest CUDA that the driver knows, which only the table of ``nvidia-smi`` tells."""
    found = re.search(r"CUDA Version:\s*(\d+\.\d+)", output.text)
    return found[1] if found else None


def kernel_module(text: str | None) -> str | None:
    """The driver's version in ``/proc/driver/nvidia/version``, that is of the module that is loaded."""
    found = re.search(r"NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", (text or "") + " ")
    return found[1] if found else None


def failure(said: str) -> Why:
    """Which trouble the words of NVML or ``nvidia-smi`` mean."""
    said = said.casefold()
    for words, why in _WORDS.items():
        if words in said:
            return why
    return "unreadable"


_WORDS: Final[dict[str, Why]] = {
    "version mismatch": "mismatch",
    "couldn't communicate with the nvidia driver": "no driver",
    "driver not loaded": "no driver",
    "shared library not found": "no driver",
    "no devices were found": "no device",
    "unknown error": "no driver",
}


def _gpu(told: dict[str, Any]) -> Gpu:
    mig = told.get("mig")
    return Gpu(
        _text(told.get("name")) or "a GPU without a name",
        memory=_number(told.get("memory")),
        used=_number(told.get("used")),
        temperature=_number(told.get("temperature")),
        power=_number(told.get("power")),
        capability=_text(told.get("capability")),
        mig=mig if isinstance(mig, bool) else None,
    )


def _told(cell: str) -> str | None:
    """A cell of the query; ``[N/A]``, ``[Not Supported]`` and the like are None."""
    return None if not cell or cell.strip("[]").casefold() in ("n/a", "not supported", "unknown error") else cell[:80]


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str | None:
    return value[:80] if isinstance(value, str) and value else None
