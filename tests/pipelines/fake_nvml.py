"""A driver that answers as told, in place of pynvml's functions."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml


class FakeNvml:
    """Two GPUs at most; ``refuses`` maps functions to the error code they fail with; ``down`` counts the shutdowns."""

    def __init__(self, monkeypatch, gpus=1, absent=None):
        self.refuses = {}
        self.asked = []
        self.down = 0
        self.total = 80 * 2**30

        def init():
            if absent is not None:
                raise pynvml.NVMLError(absent)

        def shutdown():
            self.down += 1

        answers = {
            "nvmlDeviceGetUtilizationRates": lambda i: SimpleNamespace(gpu=40 + i, memory=7),
            "nvmlDeviceGetMemoryInfo": lambda i: SimpleNamespace(used=3 * 2**30, total=self.total),
            "nvmlDeviceGetPowerUsage": lambda i: 123_456,
            "nvmlDeviceGetTemperature": lambda i, sensor: 51,
            "nvmlDeviceGetName": lambda i: f"NVIDIA Fake {i}",
        }
        monkeypatch.setattr(pynvml, "nvmlInit", init)
        monkeypatch.setattr(pynvml, "nvmlShutdown", shutdown)
        monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: gpus)
        monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda i: i)
        monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: "580.95.05")
        for name, answer in answers.items():
            monkeypatch.setattr(pynvml, name, self._function(name, answer))

    def _function(self, name, answer):
        def function(*arguments):
            self.asked.append(name)
            if name in self.refuses:
                raise pynvml.NVMLError(self.refuses[name])
            return answer(*arguments)

        return function
