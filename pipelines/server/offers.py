"""An offer of WebRTC, read with care before anything else sees it. Pure.

What a client names as its addresses is left out: the server sends nothing to where somebody only says to be. It answers
the checks that reach it, and by these learns where the client is. So no name is looked up, and no host is knocked at.
"""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 64 << 10
"""The longest offer. A browser's has some 6 kB."""

_NAMED: Final = ("a=candidate:", "a=remote-candidates:", "a=end-of-candidates")


class BadOffer(Exception):
    """An offer that cannot be answered; the message says what is wrong with it."""


def checked(offer: str) -> str:
    """The offer without the client's addresses. Raises :class:`BadOffer`."""
    if len(offer.encode()) > MOST_BYTES:
        raise BadOffer(f"An offer has at most {MOST_BYTES} bytes.")
    lines = [line.strip() for line in offer.strip().splitlines()]
    if lines[:1] != ["v=0"]:
        raise BadOffer("The body is no SDP: it begins with v=0.")
    kinds = [line[2:].split(" ")[0] for line in lines if line.startswith("m=")]
    if sorted(kinds) != ["application", "audio"]:
        raise BadOffer(
            "An offer has one audio section and one data channel; "
            "add the microphone's track, create the channel, and only then the offer."
        )
    if not any(line.startswith("a=group:BUNDLE ") for line in lines):
        raise BadOffer("An offer bundles its sections (a=group:BUNDLE).")
    kept = [line for line in lines if not line.startswith(_NAMED)]
    return "\r\n".join(kept) + "\r\n"
