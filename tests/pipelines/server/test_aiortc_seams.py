"""What aiortc does not promise is there. Where a new version has it no more, these say what would break."""

import pytest

aiortc = pytest.importorskip("aiortc", reason="the extra webrtc is not installed")

import aioice.ice  # noqa: E402
from call_client import CallClient  # noqa: E402

from pipelines.server import aiortc_seams  # noqa: E402
from pipelines.server.peer import Peer  # noqa: E402


@pytest.fixture
def aioices_own(monkeypatch):
    """What calls set for the process is put back."""
    for name in ("CONSENT_INTERVAL", "CONSENT_FAILURES"):
        monkeypatch.setattr(aioice.ice, name, getattr(aioice.ice, name))


@pytest.fixture
async def receiver():
    connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    yield connection.addTransceiver("audio").receiver
    await connection.close()


async def test_this_version_has_all_that_is_used(receiver):
    assert aiortc_seams.missing(receiver) == []


@pytest.mark.parametrize("name", ["BUFFER", "SEND", "ICE", "GATHER"])
async def test_a_version_without_one_is_refused_in_words(receiver, monkeypatch, name):
    monkeypatch.setattr(aiortc_seams, name, "_another_name")
    (told,) = aiortc_seams.missing(receiver)
    assert "_another_name" in told
    one, peer = CallClient(), Peer(24_000, ["127.0.0.1"])
    try:
        offer = await one.connection.createOffer()
        with pytest.raises(RuntimeError, match=r"this version of aiortc is not known, it lacks RTC.*_another_name"):
            await peer.answer(offer.sdp)
    finally:
        await peer.close()
        await one.close()


async def test_packets_carry_what_the_ears_read():
    packet = aiortc.rtp.RtpPacket.parse(b"\x80\x60\x00\x07\x00\x00\x03\xc0\x00\x00\x00\x01opus")
    assert (packet.sequence_number, packet.timestamp, packet.payload) == (7, 960, b"opus")


async def test_a_client_is_missed_after_15_s_at_most(aioices_own):
    one, peer = CallClient(), Peer(24_000, ["127.0.0.1"])
    try:
        await peer.answer(await one.offer())
        waits = 1.2 * aioice.ice.CONSENT_INTERVAL + aioice.stun.RETRY_RTO
        assert (aioice.ice.CONSENT_INTERVAL, aioice.ice.CONSENT_FAILURES) == (2.5, 4)
        assert aioice.ice.CONSENT_FAILURES * waits <= 15
    finally:
        await peer.close()
        await one.close()
