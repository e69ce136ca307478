"""Conversations over WebRTC: two turns, an interruption, and every way to end, with nothing that is left behind."""

import asyncio
import gc
import os
import re
from pathlib import Path

import lab
import pytest
from call_client import CallClient, calling
from lab import ANSWER, HEARD
from page_client import until
from rooms import house
from test_talk import alive, ours

from pipelines.conversation.conversation import Conversation
from pipelines.server import aiortc_seams, calls
from pipelines.server.peer import Peer
from pipelines.server.talk import Talk
from sophia.wav import read_wav

ROOT = Path(__file__).parents[3]
QUESTION = read_wav(ROOT / "pipelines/soundbites/02_what_time.wav", 16_000).pcm

pytestmark = pytest.mark.services


async def test_two_turns(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), calling(client, url) as one:
        for number in (1, 2):
            one.speak(QUESTION)
            await one.wait("output_audio_buffer.stopped", number)
            response = one.of("response.done")[number - 1]["response"]
            assert response["status"] == "completed"
            (item,) = response["output"]
            assert item["content"][0]["transcript"].split() == ANSWER.split()
            said = one.of("conversation.item.input_audio_transcription.completed")[number - 1]
            assert said["transcript"] == HEARD
        assert not one.of("response.output_audio.delta")
        assert not one.of("error")
        clauses = 3  # of a reply; the lab's tone is as long for each
        await one.until(lambda: one.loud() > 0.9 * 2 * clauses * lab.CLAUSE_SECONDS)


async def test_a_voice_over_hers_stops_her_and_the_server_knows_what_was_heard(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 6.0)
    async with (
        house(tmp_path, pki) as (client, url, _),
        calling(client, url, query="?extensions=sophia.ledger") as one,
    ):
        one.say("session.update", session={"type": "realtime", "sophia": {"headphones": True}})  # her tone is no voice
        await one.wait("session.updated")
        one.speak(QUESTION)
        await one.until(lambda: one.loud() > 1.0)
        one.speak(QUESTION)
        truncated = await one.wait("conversation.item.truncated")
        heard = truncated["sophia"]["heard_ms"] / 1000
        assert 1.0 < heard < 17.0
        again = await one.wait("output_audio_buffer.started", 2)
        assert one.loud(until=again["_at"]) == pytest.approx(heard, abs=0.7), "what went out is what arrived"
        assert ANSWER.startswith(truncated["sophia"]["heard"])
        assert len(truncated["sophia"]["heard"]) < len(ANSWER)
        kinds = [event["type"] for event in one.events]
        assert kinds.index("output_audio_buffer.cleared") < kinds.index("conversation.item.truncated")
        assert one.of("response.done")[0]["response"]["status_details"]["reason"] == "turn_detected"
        one.say("conversation.item.retrieve", item_id=truncated["item_id"])
        kept = (await one.wait("conversation.item.retrieved"))["item"]
        assert kept["content"][0]["transcript"] == truncated["sophia"]["heard"]
        await one.until(lambda: any(event["outcome"] == "interrupted" for event in one.of("sophia.turn.ledger")))
        (ledger,) = [event for event in one.of("sophia.turn.ledger") if event["outcome"] == "interrupted"]
        assert ledger["heard"] == truncated["sophia"]["heard"].strip()


async def test_a_call_is_hung_up_from_elsewhere_and_its_place_is_free(tmp_path, pki):
    counts = []
    async with house(tmp_path, pki, sessions=1, talking=counts.append) as (client, url, _):
        async with calling(client, url) as one:
            async with client.post(url + "/v1/realtime/calls", data="v=0") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
            async with client.post(f"{url}{one.address}/hangup") as answer:
                assert answer.status == 200
            await one.over()
            async with client.post(f"{url}{one.address}/hangup") as answer:
                assert answer.status == 404
                assert (await answer.json())["error"]["code"] == "call_not_found"
        await until(lambda: counts[-1] == 0)
        async with calling(client, url):
            pass
    assert counts == [1, 0, 1, 0]


async def test_calls_that_end_in_mid_reply_leave_nothing(tmp_path, pki):
    sockets = udp()
    async with house(tmp_path, pki) as (client, url, runtime):
        before = ours()
        for _ in range(3):
            async with calling(client, url) as one:
                one.write("hello")
                await one.wait("output_audio_buffer.started")
                assert runtime.telemetry.metrics.registry.get_sample_value("sophia_pages", {"role": "talk"}) == 1
        del one
        await until(lambda: ours() == before)
        await until(lambda: not alive(Talk, Conversation, Peer))
        assert runtime.telemetry.metrics.registry.get_sample_value("sophia_sessions") == 0
        assert runtime._users == [0]
        await until(lambda: udp() == sockets)


async def test_a_client_that_vanishes_is_missed(tmp_path, pki, monkeypatch):
    """By ICE's own checks of consent; in earnest four of them, 2.5 s apart."""
    monkeypatch.setattr(aiortc_seams, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 5)  # is put back afterwards
    counts = []
    async with house(tmp_path, pki, talking=counts.append) as (client, url, _), calling(client, url) as one:
        for protocol in one.connection.sctp.transport.transport._connection._protocols:
            protocol.transport.abort()  # pulled out of the wall
        await until(lambda: counts[-1] == 0)


async def test_a_client_that_never_finds_a_way_frees_its_place(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(calls, "CONNECT_SECONDS", 0.3)
    counts, sockets = [], udp()
    async with house(tmp_path, pki, talking=counts.append) as (client, url, _):
        one = CallClient()
        offer = await one.offer()
        async with client.post(
            url + "/v1/realtime/calls", data=offer, headers={"Content-Type": "application/sdp"}
        ) as answer:
            assert answer.status == 201
        await one.close()
        await until(lambda: counts == [1, 0])
        await until(lambda: not alive(Peer))
        await until(lambda: udp() == sockets)


async def test_a_client_of_another_identity_is_turned_away_at_once(tmp_path, pki):
    """Its certificate is not the one of its offer: somebody stands between."""
    counts = []
    async with house(tmp_path, pki, talking=counts.append) as (client, url, _):
        one = CallClient()
        offer = re.sub(r"(?m)^(a=fingerprint:\S+ )..", r"\g<1>00", await one.offer())
        async with client.post(
            url + "/v1/realtime/calls", data=offer, headers={"Content-Type": "application/sdp"}
        ) as answer:
            await one.answer(await answer.text())
        await until(lambda: counts == [1, 0])  # long before CONNECT_SECONDS
        assert not one.events
        await one.close()


async def test_only_the_address_that_is_served_is_offered_and_no_other_is_known(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), calling(client, url) as one:
        answer = one.connection.remoteDescription.sdp
        offered = {line.split()[4] for line in answer.splitlines() if line.startswith("a=candidate")}
        assert offered == {"127.0.0.1"}
        (peer,) = [thing for thing in gc.get_objects() if type(thing) is Peer]
        ice = peer._connection.sctp.transport.transport._connection
        assert ice.stun_server is None
        assert ice.turn_server is None
        assert {candidate.type for candidate in ice.remote_candidates} == {"prflx"}, "the client's own were left out"


async def test_the_ears_get_packets_by_our_jitter_buffer(tmp_path, pki):
    """aiortc's own holds them back for 80 ms: a version of it with another inside is noticed here."""
    async with house(tmp_path, pki) as (client, url, _), calling(client, url):
        (peer,) = [thing for thing in gc.get_objects() if type(thing) is Peer]
        (transceiver,) = peer._connection.getTransceivers()
        assert type(getattr(transceiver.receiver, aiortc_seams.BUFFER)).__name__ == "Ear"
        assert transceiver.receiver.track._queue.empty()


async def test_the_server_ends_with_calls_that_are_open_and_some_that_are_not_yet(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(calls, "CONNECT_SECONDS", 1000.0)
    sockets = udp()
    one, other = CallClient(), CallClient()
    async with house(tmp_path, pki) as (client, url, _):
        kind = {"Content-Type": "application/sdp"}
        async with client.post(url + "/v1/realtime/calls", data=await other.offer(), headers=kind) as answer:
            assert answer.status == 201
        async with client.post(url + "/v1/realtime/calls", data=await one.offer(), headers=kind) as answer:
            await one.answer(await answer.text())
        await one.wait("session.created")
    await one.over()
    assert one.events[-1]["error"]["code"] == "server_shutting_down"
    await one.close()
    await other.close()
    await until(lambda: not alive(Peer))
    await until(lambda: udp() == sockets)


async def test_garbage_is_answered_and_she_hears_all_the_same(tmp_path, pki):
    from aiortc.rtp import HeaderExtensionsMap, RtpPacket

    async with house(tmp_path, pki) as (client, url, _), calling(client, url) as one:
        for garbage in ("", "no json", "[]", "null", '"x"', "[" * 50_000, b"\x00" * 100, '{"type": "no.such.event"}'):
            one.channel.send(garbage)
        await one.until(lambda: len(one.of("error")) == 8)
        dtls = one.connection.sctp.transport
        for payload in (b"", b"\x00", b"\xff" * 500, bytes(1200)):
            packet = RtpPacket(payload_type=96, sequence_number=7, timestamp=1)
            packet.ssrc, packet.payload = 1, payload
            await dtls._send_rtp(packet.serialize(HeaderExtensionsMap()))
        one.speak(QUESTION)
        await one.wait("response.done")


async def test_at_the_end_everybody_is_told(tmp_path, pki):
    loop = asyncio.get_running_loop()
    async with house(tmp_path, pki) as (client, url, _), calling(client, url) as one:
        hall = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Hall")
        began = loop.time()
        closing = asyncio.create_task(hall.close())
        await one.over()
        await closing
        assert one.events[-1]["error"]["code"] == "server_shutting_down"
        assert loop.time() - began < 2.0


def udp():
    """How many sockets for datagrams this process has open."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("udp", "udp6")]
    inodes = {line.split()[9] for table in tables for line in table}
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        found += target.startswith("socket:[") and target[8:-1] in inodes
    return found
