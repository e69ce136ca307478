"""Pages that watch: any number, each by itself, and one that joins in the middle knows what it missed."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import lab
import pytest
from lab import ANSWER, HEARD
from page_client import page, until
from rooms import house

from pipelines.conversation.events import TextTyped
from pipelines.server.watch import Hub
from sophia.sinks import NullSink

pytestmark = pytest.mark.services


class Room:
    """A local conversation without devices: words are typed, and nobody hears her."""

    def __init__(self, runtime, hub):
        self.loop = asyncio.get_running_loop()
        self.closed = asyncio.Event()
        self.overflows = 0
        self.session = runtime.session(self, NullSink(), [hub])

    async def frames(self):
        await self.closed.wait()
        return
        yield

    async def aclose(self):
        self.closed.set()

    def type(self, text=HEARD):
        self.session.tell(TextTyped(at=self.loop.time(), text=text))

    async def __aenter__(self):
        self.running = asyncio.create_task(self.session.run())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_):
        self.session.stop()
        await self.running


@asynccontextmanager
async def room(tmp_path, pki):
    """A server beside a local conversation."""
    hubs, rooms = [], []

    def local(runtime):
        hubs.append(Hub(runtime.reply_rate, lambda: rooms[0].session if rooms else None))
        return hubs[0]

    async with (
        house(tmp_path, pki, local=local, emotions={"joy": 0.25}) as (client, url, runtime),
        Room(runtime, hubs[0]) as one,
    ):
        rooms.append(one)
        one.hub, one.metric = hubs[0], runtime.telemetry.metrics.registry.get_sample_value
        yield client, url, one


def watching(client, url, **options):
    return page(client, url, path="/v1/realtime?watch=1", **options)


async def test_everybody_sees_the_same(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 0.5)
    async with (
        room(tmp_path, pki) as (client, url, here),
        watching(client, url) as one,
        watching(client, url) as two,
    ):
        assert one.of("session.updated")[0]["session"]["sophia"]["role"] == "watch"
        await until(lambda: here.hub.watchers == 2)
        here.type()
        for each in (one, two):
            ledger = await each.wait("sophia.turn.ledger")
            assert ledger["heard"].split() == ANSWER.split()
            assert not each.of("response.output_audio.delta")
            assert "".join(w for event in each.of("sophia.words") for w, _, _ in event["words"]) == ANSWER
            frames = each.of("sophia.face.frames")
            assert sum(event["count"] for event in frames) >= 30
            check_positions(each)
        assert [e["type"] for e in one.events if e["type"].startswith("response.")] == [
            e["type"] for e in two.events if e["type"].startswith("response.")
        ]


async def test_who_watches_may_write_to_her_have_her_say_something_and_stop_her(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 0.5)
    async with room(tmp_path, pki) as (client, url, _), watching(client, url) as one, watching(client, url) as other:
        content = [{"type": "input_text", "text": HEARD}]
        item = {"type": "message", "role": "user", "content": content}
        await one.say({"type": "conversation.item.create", "item": item})
        await one.say({"type": "response.create"})
        for each in (one, other):
            ledger = await each.wait("sophia.turn.ledger")
            assert (ledger["user"], ledger["heard"].split()) == (HEARD, ANSWER.split())
        await one.say({"type": "sophia.say", "text": "Welcome to the lab."})
        ledger = await other.wait("sophia.turn.ledger", 2)
        assert ledger["heard"] == "Welcome to the lab."
        await other.say({"type": "sophia.say", "text": "This is a long story. " * 40})
        await one.wait("sophia.playout.position", playing=True, count=len(one.of("sophia.playout.position")) + 1)
        await other.say({"type": "response.cancel"})
        ledger = await one.wait("sophia.turn.ledger", 3)
        assert ledger["outcome"] == "interrupted"
        assert len(ledger["heard"]) < 200
        assert not one.of("error") + other.of("error")


async def test_who_watches_knows_the_trace_and_her_mood(tmp_path, pki):
    async with room(tmp_path, pki) as (client, url, here), watching(client, url) as one:
        here.session.trace_id = lambda turn: f"trace-{turn}"
        assert one.of("session.updated")[0]["session"]["sophia"]["emotions"] == {"joy": 0.25}
        here.type()
        ledger = await one.wait("sophia.turn.ledger")
        assert ledger["trace_id"] == f"trace-{ledger['turn']}"


def check_positions(one):
    """Positions run with the sound: by their own clock the sound goes on in real time, and ends at its end."""
    told = one.of("sophia.playout.position")
    assert told[0]["playing"]
    assert not told[-1]["playing"]
    assert told[-1]["audio_ms"] == pytest.approx(one.of("sophia.words")[-1]["words"][-1][2], abs=30)
    zero = told[0]["at_ms"] - told[0]["audio_ms"]
    for event in told:
        assert event["at_ms"] - event["audio_ms"] == pytest.approx(zero, abs=25)


async def test_a_page_that_joins_in_mid_reply_knows_what_it_missed(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 1.0)
    async with room(tmp_path, pki) as (client, url, here), watching(client, url) as first:
        await until(lambda: here.hub.watchers == 1)
        here.type()
        await first.wait("sophia.playout.position", 12)
        async with watching(client, url) as late:
            place = await late.wait("sophia.playout.position")
            assert place["audio_ms"] > 900
            created, item = late.of("response.created")[0], late.of("response.output_item.added")[0]["item"]["id"]
            assert created["response"]["status"] == "in_progress"
            assert place["item_id"] == item
            assert [event["state"] for event in late.of("sophia.floor")][-1] == "speaking"
            await late.wait("sophia.turn.ledger")
            await first.wait("sophia.turn.ledger")
            words = [[w for event in each.of("sophia.words") for w in event["words"]] for each in (first, late)]
            assert words[0] == words[1]
            faces = [sum(event["count"] for event in each.of("sophia.face.frames")) for each in (first, late)]
            assert faces[0] == faces[1]
            kinds = [[e["type"] for e in each.events if e["type"].startswith("response.")] for each in (first, late)]
            assert kinds[0][-1] == kinds[1][-1] == "response.done"
            said = [
                "".join(e["delta"] for e in each.of("response.output_audio_transcript.delta")) for each in (first, late)
            ]
            assert said == [ANSWER, ANSWER]
        await until(lambda: here.hub.watchers == 1)
        assert not here.hub._past, "nothing is kept of a turn that is over"


async def test_a_page_that_stalls_is_cut_off_and_the_others_see_on(tmp_path, pki, monkeypatch):
    from pipelines.server import outbox

    monkeypatch.setattr(outbox, "MOST_EVENTS", 20)
    async with room(tmp_path, pki) as (client, url, here), watching(client, url) as good, watching(client, url):
        await until(lambda: here.hub.watchers == 2)
        stuck = here.hub._watchers[1]

        async def never(text):
            await asyncio.Event().wait()

        stuck._connection._socket.send_str = never
        here.type()
        ledger = await good.wait("sophia.turn.ledger")
        assert ledger["heard"].split() == ANSWER.split()
        await until(lambda: here.hub.watchers == 1)


async def test_without_a_local_conversation_the_newest_talk_can_be_watched(tmp_path, pki):
    async with house(tmp_path, pki, watchers=1) as (client, url, _):
        async with client.get(url + "/page.json") as answer:
            facts = await answer.json()
            assert (facts["watch"], facts["language"]) == (False, "en-US")
        async with client.ws_connect(url + "/v1/realtime?watch=1", headers={"Origin": url}) as nobody:
            assert (await nobody.receive_json())["error"]["code"] == "nothing_to_watch"
            await nobody.receive()
            assert nobody.close_code == 1008
        async with page(client, url) as talk, watching(client, url) as watch:
            async with client.get(url + "/page.json") as answer:
                assert (await answer.json())["watch"] is True
            async with client.get(url + "/v1/realtime?watch=1") as answer:
                assert answer.status == 503
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HEARD}]}
            await talk.say({"type": "conversation.item.create", "item": item})
            await talk.say({"type": "response.create"})
            ledger = await watch.wait("sophia.turn.ledger")
            assert ledger["heard"].split() == ANSWER.split()


async def test_what_a_page_sees_is_counted(tmp_path, pki):
    async with room(tmp_path, pki) as (client, url, here):
        value = here.metric
        async with watching(client, url) as one:
            await until(lambda: here.hub.watchers == 1)
            assert value("sophia_pages", {"role": "watch"}) == 1
            here.type()
            item = (await one.wait("response.output_item.added"))["item"]["id"]
            face = {"skew_p95_ms": -60, "missing": 0.3, "late": 4, "frames": 80}
            for audio_ms, underruns in ((100, 0), (600, 2)):
                await one.say(
                    {
                        "type": "sophia.playout.position",
                        "item_id": item,
                        "audio_ms": audio_ms,
                        "buffered_ms": 0,
                        "underruns": underruns,
                        "face": face,
                    }
                )
            ledger = await one.wait("sophia.turn.ledger")
            assert ledger["face_missing"] != 0.3, "who watches does not judge for the one who talks"
        await until(lambda: value("sophia_pages", {"role": "watch"}) == 0)
        assert value("sophia_page_underruns_total") == 2
        assert value("sophia_page_late_frames_total") == 4
        assert value("sophia_page_skew_seconds_bucket", {"le": "-0.045"}) == 1
        assert value("sophia_page_skew_seconds_bucket", {"le": "-0.08"}) == 0
        assert value("sophia_page_missing_ratio_sum") == 0.3


async def test_who_watches_a_talk_that_ends_is_told_so_and_may_watch_the_next_one(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _):
        async with AsyncExitStack() as stack:
            talker = await stack.enter_async_context(page(client, url))
            one = await stack.enter_async_context(watching(client, url))
            wordless = await client.ws_connect(url + "/v1/realtime?watch=1", headers={"Origin": url})
            assert (await wordless.receive_json())["type"] == "session.created"
            await talker.socket.close()
            assert (await one.wait("error"))["error"]["code"] == "conversation_over"
            await until(lambda: one.socket.closed)
            assert one.socket.close_code == 1000
            assert (await wordless.receive_json())["error"]["code"] == "conversation_over"
            await wordless.close()
        async with page(client, url) as talker, watching(client, url) as one:
            await talker.say({"type": "sophia.say", "text": "Welcome to the lab."})
            ledger = await one.wait("sophia.turn.ledger")
            assert ledger["heard"] == "Welcome to the lab."
