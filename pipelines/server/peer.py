"""One WebRTC peer. Only this file and :mod:`pipelines.server.aiortc_seams` know aiortc. Needs the extra ``webrtc``.

Three things of aiortc are not as a conversation wants them:

- It asks a STUN server of Google's unless told otherwise. Here nobody is asked, and only addresses that the server is
  served on are offered.
- Its own jitter buffer holds the user's voice back for 80 ms, and for good by more after a loss. Ours stands there.
- Its encoder runs in threads. Packets are handed over ready.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from pipelines.server import aiortc_seams
from pipelines.server.channel import LABEL, ChannelSocket
from pipelines.server.jitter import Holes, JitterBuffer
from pipelines.server.offers import BadOffer, checked
from pipelines.server.opus import CLOCK, OpusDecoder, OpusVoice
from sophia.audio import Pcm

QUEUED: Final = 25
"""Packets of her voice that may wait for the network: half a second (policy when full: the oldest is lost)."""

CLOSE_SECONDS: Final = 1.0
"""Longest wait for a farewell; after that the sockets are closed without."""

for _name in ("aiortc", "aioice"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # whatever a client does wrong would be a line, or a traceback

_log = logging.getLogger(__name__)

Listen = Callable[[Pcm, int], None]
"""Takes the user's voice: int16 mono, and its rate in Hz."""


class Spoken(MediaStreamTrack):  # type: ignore[misc]
    """A voice in packets that are encoded already."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[Any] = asyncio.Queue(QUEUED)

    def give(self, stamp: int, payload: bytes) -> None:
        """The next packet, and its place in samples of 48 kHz."""
        packet = av.Packet(payload)
        packet.pts, packet.time_base = stamp, Fraction(1, CLOCK)
        if self._packets.full():
            self._packets.get_nowait()
        self._packets.put_nowait(packet)

    async def recv(self) -> Any:
        return await self._packets.get()


class Ear:
    """In the place of aiortc's jitter buffer: decodes what comes, and leaves nothing for aiortc to decode."""

    def __init__(self, listen: Listen) -> None:
        self._buffer, self._holes, self._decoder = JitterBuffer(), Holes(), OpusDecoder()
        self._listen = listen

    def add(self, packet: Any) -> tuple[bool, None]:
        for one in self._buffer.put(packet.sequence_number, packet.timestamp, packet.payload):
            pcm = self._decoder.decode(one.payload)
            hole = self._holes.before(one.stamp, len(pcm))
            if hole:
                pcm = np.concatenate((np.zeros(hole, np.int16), pcm))
            if len(pcm):
                self._listen(pcm, CLOCK)
        return False, None


class Peer:
    """A connection to one client; ``rate`` is that of her voice, in Hz.

    ``addresses`` are this machine's that may be offered; None is all but the loopback. In this order: :meth:`answer`,
    :meth:`opened`, and in any case :meth:`close`. ``listen`` may be set at any time; before that nobody listens.
    """

    def __init__(self, rate: int, addresses: Sequence[str] | None) -> None:
        self.listen: Listen = lambda pcm, rate: None
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._addresses = addresses
        self._track = Spoken()
        self._voice = OpusVoice(rate, self._track.give)
        self._channel: asyncio.Future[ChannelSocket] = asyncio.get_running_loop().create_future()
        self._connection.on("datachannel", self._found)
        self._connection.on("connectionstatechange", self._changed)

    def play(self, pcm: Pcm) -> None:
        """A block of her voice, in its time."""
        self._voice.take(pcm)

    def rest(self) -> None:
        """There is none for now."""
        self._voice.rest()

    async def answer(self, offer: str) -> str:
        """The answer to an offer, with all addresses. Raises :class:`~pipelines.server.offers.BadOffer`.

        ``RuntimeError`` says that aiortc is not as it is known here.
        """
        told = checked(offer)
        connection = self._connection
        connection.addTrack(self._track)
        (transceiver,) = connection.getTransceivers()
        codecs = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == "audio/opus"])
        try:
            await connection.setRemoteDescription(RTCSessionDescription(told, "offer"))
            self._bind(transceiver)
            await connection.setLocalDescription(await connection.createAnswer())
        except RuntimeError:
            raise
        except Exception as error:  # it was written by somebody else, and the library trusts it
            _log.info("an offer was refused: %r", error)
            raise BadOffer("This offer cannot be answered: it is incomplete, or has no Opus.") from error
        answer: str = connection.localDescription.sdp
        return answer

    async def opened(self) -> ChannelSocket:
        """The data channel, as soon as there is one. Raises ``ConnectionError`` if there will be none."""
        socket = await self._channel
        self._voice.greet()
        return socket

    async def close(self) -> None:
        """Ends it, within :data:`CLOSE_SECONDS`."""
        self._voice.close()
        self._channel.cancel()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close()
        except TimeoutError:
            _log.warning("a peer connection did not end in time")
            for transceiver in self._connection.getTransceivers():
                await transceiver.receiver.transport.transport.stop()

    def _bind(self, transceiver: Any) -> None:
        receiver = transceiver.receiver
        if lost := aiortc_seams.missing(receiver):
            raise RuntimeError(f"this version of aiortc is not known, it lacks {'; '.join(lost)}")
        aiortc_seams.miss_clients_sooner()
        aiortc_seams.hear_by(receiver, Ear(self._hear))
        aiortc_seams.lose_what_nobody_takes(receiver.transport)
        if self._addresses is not None:
            aiortc_seams.offer_only(receiver.transport, self._addresses)

    def _hear(self, pcm: Pcm, rate: int) -> None:
        self.listen(pcm, rate)

    def _found(self, channel: Any) -> None:
        if channel.label != LABEL or self._channel.done():
            channel.close()
        else:
            self._channel.set_result(ChannelSocket(channel))

    def _changed(self) -> None:
        if self._connection.connectionState not in ("failed", "closed"):
            return
        if not self._channel.done():
            self._channel.set_exception(ConnectionResetError("no way to the client was found"))
        elif not self._channel.cancelled():
            self._channel.result().lost()
