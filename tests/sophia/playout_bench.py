"""A playout on a virtual clock, pulled by hand, and sounds that are easy to tell apart."""

import numpy as np

from pipelines.virtual_time import run
from sophia.playout import RAMP_SECONDS, Playout

RATE = 1000
RAMP = round(RAMP_SECONDS * RATE)


def tone(samples, level=8000, start=0, period=50):
    return np.rint(level * np.sin(2 * np.pi * np.arange(start, start + samples) / period)).astype(np.int16)


def steady(samples, level=5000):
    return np.full(samples, level, np.int16)


class Listener:
    """A playout with its events, and a sink that pulls by hand."""

    def __init__(self, rate=RATE, **options):
        self.events = []
        self.playout = Playout(rate, self.events.append, **options)
        self.time = 0.0
        self.sound = np.zeros(0, np.int16)

    def pull(self, samples):
        block = self.playout.pull(samples, self.time)
        assert block.shape == (samples,)
        assert block.dtype == np.int16
        self.time += samples / self.playout.rate
        self.sound = np.concatenate((self.sound, block))
        return block

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def check(scenario, **options):
    async def main():
        listener = Listener(**options)
        await scenario(listener, listener.playout)

    run(main())
