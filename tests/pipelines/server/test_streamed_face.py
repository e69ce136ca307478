"""Her face on the stream of a server: the talk of whoever came last, and a shut mouth when it is over."""

import asyncio

import numpy as np
import pytest
from page_client import page, until
from rooms import house
from test_talk import QUESTION

from aurora.face import ARKIT
from pipelines.server.streamed import Streamed
from pipelines.talk.face_stream import FaceStream

JAW = ARKIT.index("jawOpen")


class Sent(FaceStream):
    """A stream that keeps what it is given."""

    def __init__(self):
        super().__init__("127.0.0.1:9", lambda line: None)
        self.poses = []

    def _send(self, time, weights):
        self.poses.append((time, weights))


def test_only_the_talk_that_is_shown_moves_her():
    stream, shown = Sent(), ["first"]
    first, second = (Streamed(stream, lambda name=name: shown[0] == name) for name in ("first", "second"))
    pose = np.full(52, 0.5, np.float32)
    first.posed(1.0, pose)
    second.posed(2.0, pose)
    shown[0] = "second"
    first.rested(3.0, pose)
    second.rested(4.0, pose)
    assert [time for time, _ in stream.poses] == [1.0, 4.0]


async def test_a_talk_that_ends_in_the_midst_of_a_word_shuts_her_mouth():
    stream, pose = Sent(), np.full(52, 0.5, np.float32)
    one = Streamed(stream, lambda: True)
    one.posed(1.0, pose)
    one.close()
    one.close()  # nothing more to shut
    assert [float(weights[JAW]) for _, weights in stream.poses] == [0.5, 0.0]


@pytest.mark.services
async def test_a_page_that_talks_moves_her(tmp_path, pki):
    stream = Sent()
    async with house(tmp_path, pki, stream=stream) as (client, url, _):
        async with page(client, url, microphone=True) as one:
            one.speak(QUESTION)
            await one.wait("response.done")
            await until(lambda: any(weights[JAW] > 0.01 for _, weights in stream.poses))
        count = len(stream.poses)
        await asyncio.sleep(0.1)
        times = [time for time, _ in stream.poses]
        assert times == sorted(times)
        assert len(stream.poses) <= count + 30  # nobody talks, nothing is sent
