"""A page talks: a whole turn over TLS, an interruption, and nothing that is left behind."""

import asyncio
import gc
from pathlib import Path

import lab
import pytest
from lab import ANSWER, HEARD
from page_client import page, until
from rooms import house

from pipelines.conversation.conversation import Conversation
from pipelines.server.talk import Talk
from sophia.wav import read_wav

ROOT = Path(__file__).parents[3]
QUESTION = read_wav(ROOT / "pipelines/soundbites/02_what_time.wav", 16_000).pcm

pytestmark = pytest.mark.services


def alive(*kinds):
    gc.collect()
    return [type(thing).__name__ for thing in gc.get_objects() if type(thing) in kinds]


def talking(client, url, **options):
    return page(client, url, microphone=True, **options)


def ours():
    """Tasks that run code of ours; the lab in the same loop has its own."""
    files = [getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()]
    return sum(code is not None and "/pipelines/" in code.co_filename.replace("/tests/", "") for code in files)


async def test_a_page_asks_and_is_answered(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), talking(client, url, face={"missing": 0.25}) as one:
        one.speak(QUESTION)
        ledger = await one.wait("sophia.turn.ledger")
        done = await one.wait("response.done")
        assert done["response"]["status"] == "completed"
        assert ledger["user"] == HEARD
        assert ledger["heard"].split() == ANSWER.split()
        # The page has heard all of it, once, in order.
        await asyncio.sleep(0.4)
        item = done["response"]["output"][0]["id"]
        sound = one.remote.samples(0)
        assert len(sound) == 1
        assert sound[0][0] == 0
        assert "".join(word for event in one.of("sophia.words") for word, _, _ in event["words"]) == ANSWER
        # Faces come before their sound.
        frames = one.of("sophia.face.frames")
        assert one.of("sophia.face.names")[0]["names"][17] == "jawOpen"
        assert sum(event["count"] for event in frames) >= 20
        assert all(event["item_id"] == item for event in frames)
        assert ledger["face_missing"] == 0.25
        assert one.of("sophia.levels")
        assert [event["state"] for event in one.of("sophia.floor")][-1] == "listening"
        assert not one.of("error")


async def test_a_voice_over_hers_stops_the_page_and_only_what_was_heard_is_remembered(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 3.0)
    async with house(tmp_path, pki) as (client, url, _), talking(client, url) as one:
        one.speak(QUESTION)
        await one.wait("response.output_audio.delta", 100)
        one.speak(QUESTION)
        truncated = await one.wait("conversation.item.truncated")
        heard_ms = one.remote.samples(0)[-1][1] / 24
        assert truncated["sophia"]["heard_ms"] == pytest.approx(heard_ms, abs=60)
        assert ANSWER.startswith(truncated["sophia"]["heard"])
        assert len(truncated["sophia"]["heard"]) < len(ANSWER)
        cancelled = next(event for event in one.of("response.done") if event["response"]["status"] == "cancelled")
        assert cancelled["response"]["status_details"]["reason"] == "turn_detected"
        ledger = await one.wait("sophia.turn.ledger", outcome="interrupted")
        assert ledger["heard"] == truncated["sophia"]["heard"].strip()


async def test_typed_text_is_answered_and_cancelled(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _), page(client, url) as one:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "where is my order"}]}
        await one.say({"type": "conversation.item.create", "item": item})
        await one.say({"type": "response.create"})
        await one.wait("response.output_audio.delta", 10)
        await one.say({"type": "response.cancel"})
        done = await one.wait("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        count = len(one.of("response.output_audio.delta"))
        await asyncio.sleep(0.3)
        assert len(one.of("response.output_audio.delta")) == count


async def test_a_page_that_is_closed_in_mid_reply_leaves_nothing(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, runtime):
        before = ours()
        for time in range(3):
            async with page(client, url) as one:
                item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
                await one.say({"type": "conversation.item.create", "item": item})
                await one.say({"type": "response.create"})
                await one.wait("response.output_audio.delta", 5)
                assert runtime.telemetry.metrics.registry.get_sample_value("sophia_pages", {"role": "talk"}) == 1
                if time == 2:
                    one.socket._response.connection.transport.abort()  # pulled out of the wall
        del one
        await until(lambda: ours() == before)
        await until(lambda: not alive(Talk, Conversation))
        assert runtime.telemetry.metrics.registry.get_sample_value("sophia_pages", {"role": "talk"}) == 0
        assert runtime._users == [0]
        assert runtime.telemetry.metrics.registry.get_sample_value("sophia_sessions") == 0


async def test_there_are_so_many_places_and_no_more(tmp_path, pki):
    counts = []
    async with house(tmp_path, pki, sessions=1, talking=counts.append) as (client, url, _):
        async with page(client, url):
            async with client.ws_connect(url + "/v1/realtime", headers={"Origin": url}) as second:
                refusal = await second.receive_json()
                assert refusal["error"]["code"] == "session_limit_reached"
                assert refusal["sophia"] == {"places": 1}
                await second.receive()
                assert second.close_code == 1013
            async with client.get(url + "/v1/realtime") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        await until(lambda: counts[-1] == 0)
        async with page(client, url):
            pass
    assert counts == [1, 0, 1, 0]


async def test_at_the_end_everybody_is_told(tmp_path, pki):
    loop = asyncio.get_running_loop()
    async with house(tmp_path, pki) as (client, url, _):
        socket = await client.ws_connect(url + "/v1/realtime", headers={"Origin": url})
        assert (await socket.receive_json())["type"] == "session.created"
        hall = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Hall")
        began = loop.time()
        closing = asyncio.create_task(hall.close())
        messages = []
        async for message in socket:
            messages.append(message.json())
        await closing
        assert messages[-1]["error"]["code"] == "server_shutting_down"
        assert socket.close_code == 1001
        assert loop.time() - began < 2.0
