"""Her face on the wire: all of a conversation, in order and on its clock, and nothing that goes wrong disturbs it."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from time import monotonic, sleep

import numpy as np
import pytest
import uvloop
from livelink_packets import Packet, decode
from table import Table

from aurora.face import ARKIT
from aurora.livelink import CURVES
from pipelines.conversation.observers import Observer
from pipelines.settings.model import FaceSection, SettingsError, load_settings
from pipelines.simulation.exact import Says
from pipelines.talk import face_stream as module
from pipelines.talk.face_stream import FaceStream
from pipelines.virtual_time import run

JAW, BLINK = ARKIT.index("jawOpen"), ARKIT.index("eyeBlinkLeft")
KEPT = 50
"""Datagrams that wait in the kernel at most; it has room for some hundreds."""

POSE = np.linspace(0, 1, 52).astype(np.float32)


@contextmanager
def receiver():
    """A UDP port of this machine; yields its address and what came, which is complete after the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(60.0)
        came: list[bytes] = []

        def receive() -> None:
            while raw := listening.recv(2048):
                came.append(raw)

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}", came
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"", listening.getsockname())
            thread.join(10.0)


class Streamed(Observer):
    """Enters the stream in the loop of the conversation, as the voice loop does."""

    def __init__(self, target: str, came: list[bytes]) -> None:
        self._came = came
        self.sent: list[tuple[float, np.ndarray, bool]] = []
        self._stream = FaceStream(target, lambda line: None, lambda: 3600.0)

    async def open(self) -> None:
        await self._stream.__aenter__()

    async def close(self) -> None:
        await self._stream.__aexit__(None, None, None)

    def posed(self, time, weights) -> None:
        self.sent.append((time, weights, True))
        self._stream.posed(time, weights)
        self._keep_step()

    def rested(self, time, weights) -> None:
        self.sent.append((time, weights, False))
        self._stream.rested(time, weights)
        self._keep_step()

    def _keep_step(self) -> None:
        """Waits for whoever reads: on a virtual clock more is sent than the kernel keeps."""
        latest = monotonic() + 10
        while len(self.sent) - len(self._came) > KEPT and monotonic() < latest:
            sleep(0.001)


def test_a_whole_conversation_is_streamed_while_she_speaks_and_rests() -> None:
    with receiver() as (target, came):
        stream = Streamed(target, came)
        table = Table([Says(1.0, "where is my order")], seconds=14.0, face=True, observers=[stream])

        async def talk() -> None:
            await stream.open()
            await table._talk()
            await stream.close()

        run(talk())
        stream_sent = stream.sent
    *packets, last = (decode(raw) for raw in came)
    assert stream_sent[-1][2], "she is cut off while she speaks"
    assert not any(last.values[:52]), "so her mouth is shut at the end"
    assert {(packet.version, packet.subject, packet.rate) for packet in packets} == {(6, "Sophia", (60, 1))}
    assert len({packet.device for packet in packets}) == 1
    assert len(packets[0].device) == 36
    lost = len(stream_sent) - len(packets)
    assert 0 <= lost <= 2, "all but the first, before the socket is open"
    assert all(
        packet.values[:52] == pytest.approx(weights.tolist())
        for packet, (_, weights, _) in zip(packets, stream_sent[lost:], strict=True)
    )
    times = [packet.frame + packet.part for packet in packets]
    assert times == pytest.approx([(3600 + time) * 60 for time, _, _ in stream_sent[lost:]], abs=0.01)
    assert times == sorted(times)
    assert max(np.diff(times)) < 2.0, "no hole of more than two frames"
    assert len(times) / (times[-1] - times[0]) == pytest.approx(1.0, abs=0.02), "sixty a second"
    speaking = np.array([speaks for _, _, speaks in stream_sent])
    jaw = np.array([weights[JAW] for _, weights, _ in stream_sent])
    assert jaw[speaking].max() > 0.1
    assert not jaw[~speaking].any()
    assert np.count_nonzero(~speaking) > 100
    blinks = np.array([weights[BLINK] for _, weights, _ in stream_sent])
    assert np.abs(np.diff(blinks)).max() < 0.5, "lids never jump, also where speech begins and ends"


def test_where_nobody_wants_to_see_her_rest_no_pose_is_made_of_it() -> None:
    class Watches(Observer):
        def __init__(self) -> None:
            self.times: list[float] = []

        def posed(self, time, weights) -> None:
            self.times.append(time)

    watching = Watches()
    notes = Table([Says(1.0, "where is my order")], seconds=14.0, face=True, observers=[watching]).talk()
    first = next(time for time, pcm in notes.blocks if np.abs(pcm.astype(int)).max() > 104)
    assert abs(watching.times[0] - first) < 0.2
    assert len(watching.times) == len(notes.poses)


def test_she_rests_on_the_wire_also_without_a_face_service() -> None:
    with receiver() as (target, came):
        stream = Streamed(target, came)
        table = Table([], seconds=2.0, face=False, observers=[stream])

        async def talk() -> None:
            await stream.open()
            await table._talk()
            await stream.close()

        run(talk())
    assert len(came) > 100


def send(target: str, *, runner=asyncio.run, poses: int = 3, patience: float = 5.0, enough: int = 1) -> list[str]:
    """Streams some poses for real, until ``enough`` lines were told."""
    told: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        heard = asyncio.Event()

        def tell(line: str) -> None:
            told.append(line)
            if len(told) >= enough:
                heard.set()

        async with FaceStream(target, tell) as stream:
            end = loop.time() + patience
            while not heard.is_set() and loop.time() < end:
                stream.posed(loop.time(), POSE)
                await asyncio.sleep(0.01)
            for _ in range(poses):
                stream.posed(loop.time(), POSE)
                await asyncio.sleep(0.001)

    runner(main())
    return told


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_what_is_sent_arrives(runner) -> None:
    with receiver() as (target, came):
        told = send(target, runner=runner)
    assert told == [f"Her face is streamed to {target} as Sophia, as Live Link Face does."]
    packet, last = (decode(raw) for raw in came[-2:])
    assert packet.values[:52] == pytest.approx(POSE.tolist())
    assert not any(last.values[:52]), "her mouth is shut at the end"
    assert isinstance(packet, Packet)
    assert len(packet.values) == len(CURVES) == 61


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_where_nobody_listens_one_line_says_so(runner) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{closed.getsockname()[1]}"
    told = send(target, runner=runner, poses=30, enough=2)
    assert told[1:] == [
        f"Her face does not arrive at {target} (face.stream): nobody listens there. She goes on trying."
    ]


def test_a_name_that_nobody_knows_is_one_line_and_is_tried_again(monkeypatch) -> None:
    asked: list[str] = []

    async def getaddrinfo(self, host, *rest, **more):
        asked.append(host)
        if len(asked) < 3:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", 9))]

    monkeypatch.setattr(asyncio.SelectorEventLoop, "getaddrinfo", getaddrinfo)
    told: list[str] = []

    async def main() -> None:
        async with FaceStream("studio.lab:11111", told.append) as stream:
            stream.posed(0.0, POSE)  # before there is a socket
            await asyncio.sleep(2.5 * module.RETRY_SECONDS)
            stream.posed(25.0, POSE)

    run(main())
    assert asked == ["studio.lab"] * 3
    assert told == [
        "Her face does not arrive at studio.lab:11111 (face.stream): its name is not known. She goes on trying."
    ]


def test_a_look_up_that_hangs_holds_nothing_up(monkeypatch) -> None:
    async def hangs(self, *rest, **more):
        await asyncio.sleep(1e6)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "getaddrinfo", hangs)
    told: list[str] = []

    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with FaceStream("studio.lab:11111", told.append):
            await asyncio.sleep(module.RESOLVE_SECONDS + 0.1)
            before = loop.time()
        return loop.time() - before

    assert run(main()) == 0.0
    assert len(told) == 1
    assert "looked up for too long" in told[0]


def test_a_socket_that_is_lost_is_opened_again() -> None:
    with receiver() as (target, came):

        async def main() -> None:
            async with FaceStream(target, lambda line: None) as stream:
                await asyncio.sleep(0.1)
                stream.posed(0.1, POSE)
                assert stream._sender
                stream._sender.close()
                await asyncio.sleep(0.1)
                stream.posed(0.2, POSE)  # there is no socket now
                await asyncio.sleep(module.RETRY_SECONDS)
                stream.posed(10.3, POSE)

        run(main())
    assert len(came) == 3  # and the one that shuts her mouth


@pytest.mark.parametrize(
    "target", ["studio", "studio:0", "studio:99999", "http://studio:11111", "a b:1", ":11111", "::1:5"]
)
def test_what_is_no_address_is_said_when_settings_are_read(target) -> None:
    with pytest.raises(SettingsError, match=r"face\.stream") as refused:
        load_settings(None, {"face.stream": target}, {})
    assert "127.0.0.1:11111" in refused.value.lines[0]


def test_addresses_are_taken_and_none_is_the_default() -> None:
    assert load_settings(None, {}, {}).face.stream is None
    for target in ("127.0.0.1:11111", "studio.lab:11111", "[::1]:11111"):
        assert FaceSection(stream=target).stream == target
