"""One runtime, many sessions: they share what is one a process, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import os
import threading
from pathlib import Path

import grpc.aio
import pytest
import sound_network
from lab import ANSWER, HEARD, Lab, config, serving
from rich.console import Console

from pipelines.conversation.conversation import Conversation
from pipelines.conversation.events import SoundJudged, TextTyped, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.failures import StageFailed
from pipelines.records.results import Unit
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Line, Scenario, Talk
from pipelines.settings.model import Settings, load_settings
from pipelines.simulation.profile import load_profile
from pipelines.simulation.services import SimulatedComponents
from pipelines.talk.check import check_all
from pipelines.talk.runtime import Runtime
from pipelines.talk.session import Session
from pipelines.telemetry.ledger import Outcome
from pipelines.virtual_time import run
from sophia.audio import Frame
from sophia.sinks import NullSink
from sophia.smart_turn import TurnModelUnusable
from sophia.soundbite import Bite, Soundbite, SoundbiteSettings
from sophia.turn_settings import TurnSettings
from sophia.wav import read_wav

ROOT = Path(__file__).parents[2]
QUESTION = ROOT / "pipelines/soundbites/02_what_time.wav"
SERVICES = ("asr", "llm", "tts", "face")

pytestmark = pytest.mark.services


class Silent:
    """A user who says nothing and stays."""

    overflows = 0

    def __init__(self):
        self.closed = asyncio.Event()

    async def frames(self):
        await self.closed.wait()
        return
        yield Frame

    async def aclose(self):
        self.closed.set()


class Ledgers(Observer):
    """Ends the session with its first turn."""

    def __init__(self):
        self.all = []
        self.session = None

    def told(self, happening):
        if isinstance(happening, TurnEnded):
            self.all.append(happening.ledger)
            self.session.stop()


def lab(tmp_path, pki, port, **more) -> Settings:
    return load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, port), **more), {}, {})


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def tasks_of_ours() -> list[str]:
    """Tasks that run code of the four packages; the lab's server in the same loop has its own."""
    files = [(task, task.get_coro().cr_code.co_filename) for task in asyncio.all_tasks()]
    rooms = [str(ROOT / room) for room in ("sophia", "nova", "aurora", "pipelines")]
    return [repr(task) for task, file in files if any(file.startswith(f"{room}/") for room in rooms)]


async def typed(runtime: Runtime, text: str = HEARD) -> list:
    """A session whose user types one message; its ledgers."""
    seen = Ledgers()
    session = seen.session = runtime.session(Silent(), NullSink(), [seen])
    talk = asyncio.create_task(session.run())
    await asyncio.sleep(0)
    session.tell(TextTyped(at=asyncio.get_running_loop().time(), text=text))
    await talk
    return seen.all


async def test_a_session_is_a_conversation_with_real_clients(tmp_path, pki):
    async with serving(Lab(), pki) as port, Runtime(lab(tmp_path, pki, port)) as runtime:
        seen = Ledgers()
        source = Soundbite([Bite("question", read_wav(QUESTION, 16_000).pcm)], SoundbiteSettings(tail_seconds=None))
        seen.session = runtime.session(source, NullSink(), [seen])
        async with asyncio.timeout(20):
            await seen.session.run()
    (ledger,) = seen.all
    assert (ledger.outcome, ledger.user, ledger.reply.strip()) == (Outcome.REPLIED, HEARD, ANSWER)
    assert runtime.faceless is None
    assert (seen.session.provenance.mode, seen.session.provenance.consent) == ("server", "numbers")
    assert len(seen.session.provenance.id) == 32


async def test_the_hash_of_settings_does_not_know_where_services_listen(tmp_path, pki):
    found = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        async with serving(Lab(), pki) as port, Runtime(lab(tmp_path / name, pki, port)) as runtime:
            one, other = (runtime.session(Silent(), NullSink()).provenance for _ in range(2))
            assert one.id != other.id
            found.append((port, one.settings, one.models))
    (port, *first), (other_port, *second) = found
    assert port != other_port
    assert first == second


async def test_an_embedded_face_moves_to_the_voice_of_a_real_lab(tmp_path, pki, monkeypatch):
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))

    class WithoutFace(Lab):
        async def ProcessAudioStream(self, requests, context):  # noqa: N802
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "the embedded one is meant")
            yield

    async with serving(WithoutFace(), pki) as port:
        settings = lab(tmp_path, pki, port).model_copy(update={"embedded": ("face",)})
        console = Console(file=io.StringIO(), width=150)
        await check_all(settings, console)  # this lab tells no versions, so that not everything answers
        async with Runtime(settings) as runtime:
            reached = {name: getattr(runtime.settings, name).endpoint.port for name in SERVICES}
            async with asyncio.timeout(20):
                (ledger,) = await typed(runtime)
    assert [name for name in SERVICES if reached[name] != port] == ["face"]
    assert runtime.faceless is None
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.lip_skew is not None  # there were frames to go by
    assert "frames of 52 blendshapes" in console.file.getvalue()


class OnlyCloses:
    """An OpenAI-compatible server whose template opens a thought, so that answers hold its closing tag alone."""

    def __init__(self):
        self.roles = []
        self.twice = asyncio.Event()

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = json.loads(await reader.readexactly(int(head.split("content-length:")[1].split()[0])))
        self.roles.append([message["role"] for message in body["messages"]])
        if len(self.roles) == 2:
            self.twice.set()
        pieces = ("The user asks. ", "I answer. </think>", ANSWER)
        events = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
        events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        writer.write(b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events))
        writer.close()


async def test_a_thought_that_the_server_opened_is_not_said(tmp_path, pki):
    """The runtime asks once before any user does, and its answers to users are without thoughts."""
    http = OnlyCloses()
    async with serving(Lab(), pki) as port, await asyncio.start_server(http.serve, "127.0.0.1", 0) as listening:
        target = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        mind = {"backend": "openai", "endpoint": {"target": target, "tls": {"enabled": False}}, "persona": "Be kind."}
        settings = lab(tmp_path, pki, port, **{f"llm__{key}": value for key, value in mind.items()})
        async with Runtime(settings) as runtime, asyncio.timeout(20):
            await http.twice.wait()  # to be warm, and to learn
            assert [ledger.reply.strip() for ledger in await typed(runtime)] == [ANSWER]
    assert http.roles[1] == ["system", "user"]


async def test_twenty_sessions_leave_no_descriptor_thread_task_or_channel_behind(tmp_path, pki):
    async with serving(Lab(), pki) as port:
        async with Runtime(lab(tmp_path, pki, port), sessions=20) as runtime:
            async with asyncio.timeout(50):
                await typed(runtime)  # whatever is made on first use is there now

                def counted() -> dict[str, int]:
                    return {
                        "descriptors": descriptors(),
                        "threads": threading.active_count(),
                        "tasks": len(tasks_of_ours()),
                        "channels": alive(grpc.aio.Channel),
                        "conversations": alive(Conversation),
                    }

                before = counted()
                ledgers = await asyncio.gather(*(typed(runtime) for _ in range(20)))
                for _ in range(20):  # what was cancelled ends in the loop's next rounds
                    await asyncio.sleep(0)
                assert counted() == before
        assert [ledger.outcome for one in ledgers for ledger in one] == [Outcome.REPLIED] * 20
        assert tasks_of_ours() == []


async def test_nothing_of_a_session_grows_with_its_turns(tmp_path, pki):
    """Two hundred turns in one conversation: what it holds after a hundred is what it holds after two hundred."""
    sizes = []

    class Counting(Observer):
        def __init__(self):
            self.turns = 0
            self.session = None

        def told(self, happening):
            if not isinstance(happening, TurnEnded):
                return
            self.turns += 1
            if self.turns in (100, 200):
                conversation = self.session._conversation
                sizes.append(held(conversation))
            if self.turns == 200:
                self.session.stop()
            else:
                loop = asyncio.get_running_loop()
                loop.call_soon(lambda: self.session.tell(TextTyped(at=loop.time(), text=HEARD)))

    settings = lab(tmp_path, pki, 1).model_copy(
        update={"llm": Settings().llm.model_copy(update={"history_tokens": 128})}
    )

    talk = Talk("typed", [Line.of("question", read_wav(QUESTION, 16_000).pcm, "what time is it")])

    async def hold():
        components = SimulatedComponents(load_profile("exact"), settings, Scenario("test", [talk])).components(
            Caller(talk), Unit(0, 0, 0)
        )
        components.source = Silent()
        counting = Counting()
        counting.session = Session(components, [counting])
        loop = asyncio.get_running_loop()
        loop.call_later(1, lambda: counting.session.tell(TextTyped(at=loop.time(), text=HEARD)))
        await counting.session.run()

    await asyncio.to_thread(run, hold())
    assert sizes[0] == sizes[1]


def held(root: object) -> int:
    """How many objects of ours and containers hang together below ``root``."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type) or (callable(thing) and not hasattr(thing, "__self__")):
            continue
        module = type(thing).__module__.partition(".")[0]
        if module not in ("sophia", "nova", "aurora", "pipelines", "builtins", "collections"):
            continue
        seen[id(thing)] = thing
        waiting += gc.get_referents(thing)
    return sum(len(thing) for thing in seen.values() if isinstance(thing, list | dict | set | tuple))


def test_the_settings_that_were_asked_for_are_kept():
    """A run's record must not depend on the ports that embedded services happened to get."""
    settings = load_settings("embedded.yaml", {}, {})
    runtime = Runtime(settings)
    runtime.settings = settings.model_copy(update={"embedded": False})
    assert runtime.asked is settings


async def test_sessions_are_spread_over_connections_and_give_them_back(tmp_path, pki):
    async with serving(Lab(), pki) as port, Runtime(lab(tmp_path, pki, port), sessions=40) as runtime:
        assert len(runtime._services) == 2
        sessions = [runtime.session(Silent(), NullSink()) for _ in range(4)]
        assert runtime._users == [2, 2]
        async with asyncio.timeout(10):
            for session in sessions:
                session.stop()
                await session.run()
        assert runtime._users == [0, 0]


async def test_a_face_that_is_not_there_is_told_and_done_without(tmp_path, pki):
    async with serving(Lab({"face": "fails"}, turns=(0,)), pki) as port, Runtime(lab(tmp_path, pki, port)) as runtime:
        assert runtime.faceless is not None
        assert "no room for another stream" in runtime.faceless.line
        async with asyncio.timeout(20):
            (ledger,) = await typed(runtime)
    assert ledger.outcome is Outcome.REPLIED
    assert ledger.faults == []


async def test_a_service_that_is_not_there_is_named_and_nothing_stays_open(tmp_path, pki):
    before = alive(grpc.aio.Channel)
    async with serving(Lab({"llm": "hangs"}, turns=(0,)), pki) as port:
        failed = ""
        try:
            async with asyncio.timeout(25), Runtime(lab(tmp_path, pki, port)):
                pytest.fail("it must not stand")
        except StageFailed as failure:
            failed = failure.service
    assert failed == "llm"
    assert alive(grpc.aio.Channel) == before


async def test_a_turn_model_that_is_not_there_is_told_before_any_service_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))
    runtime = Runtime(Settings(embedded=True, turns=TurnSettings(sound_veto=0.1)))
    with pytest.raises(TurnModelUnusable, match="sound_veto needs"):
        await runtime.__aenter__()
    assert os.listdir(tmp_path) == []


class Judgements(Ledgers):
    def __init__(self):
        super().__init__()
        self.judged = []

    def told(self, happening):
        super().told(happening)
        if isinstance(happening, SoundJudged):
            self.judged.append(happening)


async def test_sessions_share_one_turn_model_and_are_told_what_it_says(tmp_path, pki, monkeypatch):
    sound_network.install(tmp_path / "home", monkeypatch, 0.25)
    async with (
        serving(Lab(), pki) as port,
        Runtime(lab(tmp_path, pki, port, turns__sound_veto=0.1), sessions=2) as runtime,
        asyncio.timeout(20),
        asyncio.TaskGroup() as talks,
    ):
        everybody = [Judgements(), Judgements()]
        for seen in everybody:
            source = Soundbite([Bite("question", read_wav(QUESTION, 16_000).pcm)], SoundbiteSettings(tail_seconds=None))
            seen.session = runtime.session(source, NullSink(), [seen])
            talks.create_task(seen.session.run())
    for seen in everybody:
        assert [ledger.outcome for ledger in seen.all] == [Outcome.REPLIED]
        assert {event.complete for event in seen.judged} == {0.25}
