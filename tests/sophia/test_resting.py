"""A source that rests goes on in real time, and nobody hears what it hears."""

import numpy as np

from sophia.audio import Frame
from sophia.resting import RestingSource


class Source:
    overflows = 3

    def __init__(self):
        self.closed = False

    async def frames(self):
        for place in range(6):
            yield Frame(np.full(320, 100 + place, np.int16), place * 0.02)

    async def aclose(self):
        self.closed = True


async def test_what_is_heard_while_it_rests_is_silence():
    source = Source()
    resting = RestingSource(source)
    heard = []
    async for frame in resting.frames():
        heard.append((frame.time, int(frame.pcm[0]), len(frame.pcm)))
        resting.resting = 1 <= len(heard) < 4
    assert heard == [(place * 0.02, 100 + place if place in (0, 4, 5) else 0, 320) for place in range(6)]
    assert resting.overflows == 3
    await resting.aclose()
    assert source.closed
