"""What is used of aiortc and aioice though they do not promise it, in one place. Needs the extra ``webrtc``.

Each of these is looked for before the first call is answered, so another version of them is refused in words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import aioice.ice

CONSENT_INTERVAL: Final = 2.5
"""Seconds between two checks whether a client is still there, as in Chrome; RFC 7675 suggests 5."""

CONSENT_FAILURES: Final = 4
"""So many checks in a row without an answer, each waited for 0.5 s, and it is gone: after 10 to 15 s.

A living client answers whatever its microphone does: muted, silent, or in the background.
"""

BUFFER: Final = "_RTCRtpReceiver__jitter_buffer"
"""Where aiortc's receiver keeps its jitter buffer."""

SEND: Final = "_send_data"
"""Of aiortc's DTLS transport: what its data channels send by."""

ICE: Final = "_connection"
"""Where aiortc's gatherer keeps aioice's connection."""

GATHER: Final = "get_component_candidates"
"""Of that connection: finds candidates at the addresses it is given."""


class InPlaceOfABuffer(Protocol):
    """Takes a packet, with its ``sequence_number``, ``timestamp`` and ``payload``; the answer leaves aiortc idle."""

    def add(self, packet: Any) -> tuple[bool, None]: ...


def missing(receiver: Any) -> list[str]:
    """What this version of aiortc does not have, and what would come of it; ``receiver`` is any RTCRtpReceiver."""
    dtls = receiver.transport
    gatherer = dtls.transport.iceGatherer
    found = {
        f"RTCRtpReceiver.{BUFFER} (the user's voice would be 80 ms late)": hasattr(receiver, BUFFER),
        f"RTCDtlsTransport.{SEND} (clients that vanish would leave tracebacks)": hasattr(dtls, SEND),
        f"RTCIceGatherer.{ICE}.{GATHER} (all addresses of this machine would be offered)": hasattr(
            getattr(gatherer, ICE, None), GATHER
        ),
        "aioice.ice.CONSENT_INTERVAL, CONSENT_FAILURES (clients that vanish would be missed late)": hasattr(
            aioice.ice, "CONSENT_INTERVAL"
        )
        and hasattr(aioice.ice, "CONSENT_FAILURES"),
    }
    return [name for name, there in found.items() if not there]


def hear_by(receiver: Any, ear: InPlaceOfABuffer) -> None:
    """Packets of the user go to ``ear`` as they come, and not into aiortc's buffer and decoder."""
    setattr(receiver, BUFFER, ear)


def lose_what_nobody_takes(dtls: Any) -> None:
    """What is sent when the peer is gone is lost. aiortc's timers would raise it where nobody is."""
    send: Callable[[bytes], Awaitable[None]] = getattr(dtls, SEND)

    async def sent(data: bytes) -> None:
        with suppress(ConnectionError):
            await send(data)

    setattr(dtls, SEND, sent)


def offer_only(dtls: Any, addresses: Sequence[str]) -> None:
    """Candidates are gathered at ``addresses`` alone."""
    ice = getattr(dtls.transport.iceGatherer, ICE)
    gather = getattr(ice, GATHER)
    setattr(ice, GATHER, lambda component, addresses, ours=list(addresses): gather(component=component, addresses=ours))


def miss_clients_sooner() -> None:
    """From now on, for all connections of this process."""
    for name, value in (("CONSENT_INTERVAL", CONSENT_INTERVAL), ("CONSENT_FAILURES", CONSENT_FAILURES)):
        setattr(aioice.ice, name, value)
