"""Prints what NVML tells of the GPUs as one line of JSON. Run as a program of its own, since a broken driver may hang
or crash.

Each figure that the driver has no answer to is null. On a DGX Spark that is the memory, which is the machine's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def report() -> dict[str, Any]:
    """``driver``, ``cuda`` (the newest that the driver knows) and ``gpus``, or ``trouble`` in one line."""
    try:
        import pynvml  # noqa: PLC0415 - of an extra
    except ImportError:
        return {"trouble": "nvidia-ml-py is not installed"}

    def told(ask: Callable[..., Any], *arguments: Any) -> Any:
        try:
            answer = ask(*arguments)
        except (pynvml.NVMLError, AttributeError):
            return None
        return answer.decode(errors="replace") if isinstance(answer, bytes) else answer

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        devices = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(count)]
    except pynvml.NVMLError as error:
        return {"trouble": str(error)}
    cuda = told(pynvml.nvmlSystemGetCudaDriverVersion)
    gpus = []
    for device in devices:
        memory, power = told(pynvml.nvmlDeviceGetMemoryInfo, device), told(pynvml.nvmlDeviceGetPowerUsage, device)
        mig, capability = (
            told(pynvml.nvmlDeviceGetMigMode, device),
            told(pynvml.nvmlDeviceGetCudaComputeCapability, device),
        )
        gpus.append(
            {
                "name": told(pynvml.nvmlDeviceGetName, device),
                "memory": memory.total // 2**20 if memory and memory.total else None,
                "used": memory.used // 2**20 if memory and memory.total else None,
                "temperature": told(pynvml.nvmlDeviceGetTemperature, device, pynvml.NVML_TEMPERATURE_GPU),
                "power": power / 1000 if power is not None else None,
                "capability": ".".join(map(str, capability)) if capability else None,
                "mig": bool(mig[0]) if mig else None,
            }
        )
    return {
        "driver": told(pynvml.nvmlSystemGetDriverVersion),
        "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
        "gpus": gpus,
    }


if __name__ == "__main__":
    print(json.dumps(report()))
