"""Whether a recogniser is there at all, where the stream itself would be waited for longer."""

from __future__ import annotations

import asyncio

import grpc
from grpc import StatusCode

from sophia.calls import Metadata
from sophia.outage import Outage
from sophia.recognition_errors import RecognizerSilent

_HEALTH = "/grpc.health.v1.Health/Check"  # in raw bytes; models are listed by some only after the utterance

_DOUBTFUL = 0.3
"""Seconds without an answer after which nobody should be told to say it again."""


class Health:
    """Asks the service behind ``channel``, for ``seconds`` at most; ``outage`` is told of a doubt, and of its end."""

    def __init__(self, channel: grpc.aio.Channel, seconds: float, metadata: Metadata, outage: Outage) -> None:
        self._check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_HEALTH)
        self._seconds = seconds
        self._metadata = metadata
        self._outage = outage

    async def answers(self) -> bool:
        """Whether it answers: false where it is unavailable, which a stream says itself, and says why.

        Raises :class:`~sophia.recognition_errors.RecognizerSilent` if nothing comes back.
        """
        asking = asyncio.ensure_future(self._check(b"", metadata=tuple(self._metadata()), timeout=self._seconds))
        silent = RecognizerSilent("nothing comes back from the recogniser; look at its log, or at the network")
        doubted = False
        try:
            done, _ = await asyncio.wait({asking}, timeout=_DOUBTFUL)
            if doubted := not done and self._outage.error is None:
                self._outage.goes_on(silent)
            await asking
        except grpc.aio.AioRpcError as error:
            if error.code() is StatusCode.DEADLINE_EXCEEDED:
                raise silent from None
            if error.code() is StatusCode.UNAVAILABLE:
                return False
        finally:
            asking.cancel()
        if doubted:
            self._outage.over()
        return True
