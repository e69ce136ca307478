"""The GPU's utilisation, memory, power and temperature, from the driver (NVML) on this machine.

Each figure is optional. Where GPU and processor share their memory (GB10 in the DGX Spark) the driver has no figure for
it; the machine's available memory stands in. Calls may block: they belong into a thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

from pipelines.machine.host import MIB
from pipelines.machine.series import Quantity

UTILISATION: Final = "utilisation"
MEMORY: Final = "memory"
POWER: Final = "power"
TEMPERATURE: Final = "temperature"

UNITS: Final[Mapping[str, str]] = {UTILISATION: "%", MEMORY: "MiB", POWER: "W", TEMPERATURE: "°C"}
"""What is told of a GPU. Utilisation is the share of time in which any kernel ran; memory is what is in use."""


class GpuAbsent(Exception):
    """There is no GPU to be read; the message is one line that says why."""


class GpuSource(Protocol):
    """Somebody who knows how the GPUs are. Methods may block; they are called one at a time."""

    def read(self) -> Mapping[Quantity, float]:
        """What is known now; nothing for what is not. Raises :class:`GpuAbsent` while the source does not answer."""
        ...

    def notes(self) -> list[str]:
        """One line for each thing that cannot be told."""
        ...

    def close(self) -> None:
        """Gives back what was taken."""
        ...


def quantity(gpu: int, what: str) -> Quantity:
    """The quantity of GPU number ``gpu`` that ``what`` (a key of :data:`UNITS`) names."""
    return Quantity(f"gpu {gpu} {what}", UNITS[what])


class Nvml:
    """A :class:`GpuSource` for the GPUs of this machine. Raises :class:`GpuAbsent` without a driver or a GPU.

    A figure that the driver says it does not support is not asked for again.
    """

    def __init__(self) -> None:
        try:
            import pynvml  # noqa: PLC0415 - of an extra
        except ImportError:
            raise GpuAbsent("nvidia-ml-py is not installed: .venv/bin/python -m pip install -e '.[replay]'") from None
        self._nvml = pynvml
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise GpuAbsent(f"no NVIDIA driver answers on this machine ({error})") from None
        try:
            devices = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError as error:
            self.close()
            raise GpuAbsent(f"the NVIDIA driver names no GPU ({error})") from None
        if not devices:
            self.close()
            raise GpuAbsent("the NVIDIA driver knows no GPU on this machine")
        self._devices = devices
        self._asks: dict[tuple[int, str], Callable[[], float | None]] = {}
        for number, device in enumerate(devices):
            self._asks[number, UTILISATION] = partial(self._utilisation, device)
            self._asks[number, MEMORY] = partial(self._memory, device)
            self._asks[number, POWER] = partial(self._power, device)
            self._asks[number, TEMPERATURE] = partial(self._temperature, device)
        self._never = {
            pynvml.NVML_ERROR_NOT_SUPPORTED,
            pynvml.NVML_ERROR_NO_PERMISSION,
            pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
            pynvml.NVML_ERROR_INVALID_ARGUMENT,
        }
        self._notes: list[str] = []

    def read(self) -> Mapping[Quantity, float]:
        found: dict[Quantity, float] = {}
        for (number, what), ask in list(self._asks.items()):
            try:
                value = ask()
            except self._nvml.NVMLError as error:
                if error.value in self._never:
                    self._give_up(number, what)
                continue  # anything else may pass
            if value is None:
                self._give_up(number, what)
            elif math.isfinite(value):
                found[quantity(number, what)] = value
        return found

    def notes(self) -> list[str]:
        return list(self._notes)

    def close(self) -> None:
        with suppress(self._nvml.NVMLError):
            self._nvml.nvmlShutdown()

    def describe(self) -> dict[str, Any]:
        """``driver`` (its version, None if untold) and ``gpus`` (their names)."""
        return {
            "driver": self._told(self._nvml.nvmlSystemGetDriverVersion),
            "gpus": [self._told(partial(self._nvml.nvmlDeviceGetName, device)) for device in self._devices],
        }

    def _give_up(self, number: int, what: str) -> None:
        del self._asks[number, what]
        instead = "; memory available stands in" if what == MEMORY else ""
        self._notes.append(f"the driver does not tell the {what} of GPU {number}{instead}")

    def _told(self, ask: Callable[[], str | bytes]) -> str | None:
        try:
            told = ask()
        except self._nvml.NVMLError:
            return None
        return told.decode(errors="replace") if isinstance(told, bytes) else told

    def _utilisation(self, device: object) -> float:
        return float(self._nvml.nvmlDeviceGetUtilizationRates(device).gpu)

    def _memory(self, device: object) -> float | None:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(device)
        return memory.used / MIB if memory.total else None

    def _power(self, device: object) -> float:
        return float(self._nvml.nvmlDeviceGetPowerUsage(device)) / 1000  # NVML gives mW

    def _temperature(self, device: object) -> float:
        return float(self._nvml.nvmlDeviceGetTemperature(device, self._nvml.NVML_TEMPERATURE_GPU))
