"""Offers are read with care: what is none is refused in words, and nobody is knocked at because a client says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.server.offers import MOST_BYTES, BadOffer, checked

OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=candidate:1 1 udp 2122260223 203.0.113.7 9 typ host
a=candidate:2 1 udp 2122260223 4c1f-11aa.local 9 typ host
a=mid:0
a=rtpmap:111 opus/48000/2
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:1
a=end-of-candidates
"""


def test_the_clients_addresses_are_left_out():
    told = checked(OFFER)
    assert "203.0.113.7" not in told
    assert ".local" not in told
    assert "end-of-candidates" not in told
    assert told.splitlines() == [
        line for line in OFFER.splitlines() if not line.startswith(("a=candidate", "a=end-of-candidates"))
    ]


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        ("", "no SDP"),
        ("hello", "no SDP"),
        ("{}", "no SDP"),
        (OFFER.replace("m=application", "m=video"), "data channel"),
        (OFFER.replace("m=audio", "m=video"), "one audio section"),
        (OFFER + "m=video 9 UDP/TLS/RTP/SAVPF 96\n", "one audio section"),
        (OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\n", "one audio section"),
        (OFFER.replace("a=group:BUNDLE 0 1\n", ""), "bundles"),
        (OFFER + "a=x:" + "x" * MOST_BYTES, "bytes"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(offer, why):
    with pytest.raises(BadOffer, match=why):
        checked(offer)


@given(st.text())
def test_any_text_is_an_offer_or_a_bad_one(text):
    try:
        checked(text)
    except BadOffer:
        return
