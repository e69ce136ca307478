"""A firewall forgets the connections there are: what is sent is lost, and new ones work. Each client finds back.

The firewall is a real one between real sockets, the services are simulated ones over TLS.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent import futures
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import grpc
import numpy as np
import pytest
from hurried_renewal import at, hurry
from lab import ANSWER, HEARD, Lab, config, serving
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from relay import relayed
from talk_in_lab import QUESTION, patient_with_the_face

from aurora.bridge import Audio2Face
from aurora.settings import FaceSettings
from nova.errors import MindTimeout
from nova.generation import TritonSettings
from nova.mind import Message
from nova.services.openai_client import OpenAIMind
from nova.services.triton_client import TritonMind
from nova.services.triton_rest import TritonRestMind
from pipelines.services import calls, renewal
from pipelines.services.channels import open_channel, open_http
from pipelines.settings.model import load_settings
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.talk.program import Options, VoiceLoop
from pipelines.telemetry import otlp
from pipelines.telemetry.ledger import Ledger, Outcome
from pipelines.terminal.display import SilentDisplay
from sophia import absence
from sophia.audio import Frame, Pcm
from sophia.recognition import RivaRecognizer
from sophia.recognition_wire import RecognizerSettings
from sophia.synthesis import RivaSynthesizer, SynthesizerSettings

pytestmark = [pytest.mark.services, pytest.mark.timeout(60)]

Use = Callable[[], Awaitable[Any]]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture(scope="module", autouse=True)
def _patient() -> Iterator[None]:
    with patient_with_the_face():
        yield


async def one_piece() -> AsyncIterator[str]:
    yield "Let me see."


async def silence() -> AsyncIterator[Pcm]:
    yield np.zeros(4000, np.int16)


def uses(channel: grpc.aio.Channel) -> dict[str, Use]:
    """How each client is used once; the deadlines are those of a conversation, so others end it."""
    mind = TritonMind(channel, TritonSettings())
    voice = RivaSynthesizer(channel, SynthesizerSettings(), tuple)
    face = Audio2Face(channel, FaceSettings())

    async def think() -> str:
        async with aclosing(mind.reply([Message("user", HEARD)])) as pieces:
            return "".join([piece async for piece in pieces])

    async def speak() -> int:
        async with aclosing(voice.speak(one_piece())) as chunks:
            return sum([len(chunk.pcm) async for chunk in chunks])

    async def animate() -> int:
        async with aclosing(face.animate(silence(), 16_000)) as frames:
            return len([frame async for frame in frames])

    return {"llm": think, "tts": speak, "face": animate, "asr": RivaRecognizer(channel, _EARS, tuple).describe}


_EARS = RecognizerSettings(open_seconds=1.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("service", ["llm", "tts", "face", "asr"])
async def test_the_next_attempt_goes_over_a_new_connection(pki: Path, service: str) -> None:
    async with (
        serving(Lab(), pki) as port,
        relayed(port) as relay,
        open_channel(at(relay.port, pki)) as channel,
    ):
        use = uses(channel)[service]
        first = await use()
        assert first
        relay.forget()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await use()
        assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        assert await use() == first
        assert relay.connections == 2


@pytest.mark.parametrize("service", ["llm", "tts", "face"])
async def test_a_client_whose_own_deadline_is_shorter_has_the_connection_replaced_too(
    pki: Path, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "UNHEARD_SECONDS", 0.3)
    async with serving(Lab(), pki) as port, relayed(port) as relay, open_channel(at(relay.port, pki)) as channel:
        use = uses(channel)[service]
        first = await use()
        relay.forget()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await use()
        assert await use() == first
        assert relay.connections == 2


async def test_calls_that_are_interrupted_again_and_again_do_not_keep_a_dead_connection(
    pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reply is cut off before anybody could call it late; the connection is asked all the same."""
    monkeypatch.setattr(renewal, "DOUBT_SECONDS", 0.3)
    monkeypatch.setattr(renewal, "COMPARE_SECONDS", 0.2)
    monkeypatch.setattr(renewal, "GRACE_SECONDS", 0.1)
    async with serving(Lab(), pki) as port, relayed(port) as relay, open_channel(at(relay.port, pki)) as channel:
        think = uses(channel)["llm"]
        await think()
        relay.forget()
        answer = None
        while answer is None:
            try:
                async with asyncio.timeout(0.1):
                    answer = await think()
            except (TimeoutError, grpc.aio.AioRpcError):
                pass
        assert answer == ANSWER + " " * (len(answer) - len(ANSWER))
        assert relay.connections == 2


async def test_calls_that_cannot_be_watched_are_left_as_grpc_makes_them(
    pki: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A later grpcio may be made differently inside."""
    monkeypatch.setattr(calls, "_NEEDED", ("a name that later calls lack",))
    calls._warn_once.cache_clear()
    async with serving(Lab(), pki) as port, open_channel(at(port, pki)) as channel:
        for _ in range(2):
            assert [bool(await use()) for use in uses(channel).values()] == [True] * 4
    assert len([line for line in caplog.messages if "dead are not replaced" in line]) == 1


@pytest.mark.usefixtures("impatient")
async def test_ears_in_a_silence_are_connected_anew_before_anybody_speaks(
    pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "QUIET_SECONDS", 0.3)
    async with serving(Lab(), pki) as port, relayed(port) as relay, open_channel(at(relay.port, pki)) as channel:
        ears = RivaRecognizer(channel, RecognizerSettings(), tuple)
        heard = asyncio.Event()

        async def listen() -> None:
            async for transcript in ears.transcripts():
                assert transcript.text == HEARD
                heard.set()

        async with asyncio.TaskGroup() as group:
            listening = group.create_task(listen())
            said, loop = 0, asyncio.get_running_loop()

            async def sound(value: int, until: Callable[[], bool]) -> None:
                nonlocal said
                while not until():
                    ears.push(Frame(np.full(320, value, np.int16), loop.time()))
                    said += 1
                    await asyncio.sleep(0.02)

            await sound(0, lambda: relay.connections == 1 and said > 20)
            relay.forget()
            await sound(0, lambda: ears.reopened == 1)
            start = said
            await sound(5000, lambda: said - start > 10)
            await sound(0, heard.is_set)
            await ears.aclose()
            listening.cancel()
        assert relay.connections == 2


@pytest.mark.usefixtures("impatient")
async def test_a_connection_that_is_forgotten_between_two_turns_costs_no_turn(
    pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "QUIET_SECONDS", 0.2)
    async with serving(Lab(), pki) as port, relayed(port) as relay:
        replaced = asyncio.Event()
        async with open_channel(at(relay.port, pki), replaced.set) as channel:
            animate = uses(channel)["face"]
            first = await animate()
            relay.forget()
            await replaced.wait()
            assert await animate() == first
            assert relay.connections == 2


@pytest.mark.usefixtures("impatient")
async def test_what_is_found_on_one_connection_is_suspected_on_others(
    pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "YOUNG_SECONDS", 0.0)
    async with serving(Lab(), pki) as port, relayed(port) as one, relayed(port) as other:
        idle = open_channel(at(other.port, pki))
        async with idle, open_channel(at(one.port, pki), idle.suspect) as used:
            await uses(idle)["tts"]()
            await uses(used)["llm"]()
            one.forget()
            other.forget()
            with pytest.raises(grpc.aio.AioRpcError):
                await uses(used)["llm"]()
            assert await uses(idle)["tts"]()  # at the first attempt
            assert (one.connections, other.connections) == (2, 2)


class Collector(grpc.GenericRpcHandler):
    """A collector that takes everything."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        def take(request: bytes, context: object) -> bytes:
            self.taken.append(details.method.rpartition("/")[2])
            return b""

        return grpc.unary_unary_rpc_method_handler(take)


@pytest.fixture
def collector(pki: Path) -> Iterator[tuple[Collector, int]]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    taking = Collector()
    server.add_generic_rpc_handlers((taking,))
    pair = (pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes()
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    yield taking, port
    server.stop(None).wait()


async def test_spans_go_to_the_collector_over_a_new_connection(
    pki: Path, collector: tuple[Collector, int], caplog: pytest.LogCaptureFixture
) -> None:
    taking, port = collector
    async with relayed(port) as relay:
        settings = TelemetrySettings(exporter="otlp", endpoint=f"https://localhost:{relay.port}", ca=pki / "ca.crt")
        exporter = otlp.span_exporter(settings)
        results = []

        class Noting(SpanExporter):
            def export(self, spans: Any) -> SpanExportResult:
                results.append(exporter.export(spans))
                return results[-1]

        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(Noting()))
        emit = provider.get_tracer("test").start_span

        await asyncio.to_thread(lambda: emit("one").end())
        relay.forget()
        await asyncio.to_thread(lambda: emit("two").end())
        await asyncio.to_thread(exporter.shutdown)
        assert results == [SpanExportResult.SUCCESS] * 2
        assert (len(taking.taken), relay.connections) == (2, 2)
        assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []  # nothing is lost


@pytest.mark.side_by_side
async def test_a_conversation_goes_on_when_all_its_connections_are_forgotten(tmp_path: Path, pki: Path) -> None:
    """A laptop that was suspended: the user is not asked to say it again, and hears no apology."""
    services = ("asr", "llm", "tts", "face")
    async with serving(Lab(), pki) as port, AsyncExitStack() as stack:
        relays = {service: await stack.enter_async_context(relayed(port)) for service in services}
        made = config(
            tmp_path, pki, {service: relay.port for service, relay in relays.items()}, llm__first_token_timeout=9
        )

        class Told(SilentDisplay):
            turns: ClassVar[list[Ledger]] = []

            def turn(self, ledger: Ledger) -> None:
                self.turns.append(ledger)
                if len(self.turns) == 1:
                    for relay in relays.values():
                        relay.forget()

        code = await VoiceLoop(load_settings(made, {}, {}), Options("lab.yaml", (QUESTION,) * 2), Told()).run()
        assert [ledger.outcome for ledger in Told.turns] == [Outcome.REPLIED] * 2
        assert code == 0
        assert {relay.connections for relay in relays.values()} == {2}


async def test_ears_that_are_away_for_long_are_told_once_and_waited_for(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "ANNOUNCE_SECONDS", 1.0)
    async with serving(Lab(), pki) as port, AsyncExitStack() as stack:
        ears = await stack.enter_async_context(AsyncExitStack())
        own = await ears.enter_async_context(serving(lab := Lab(), pki))
        made = config(
            tmp_path, pki, {**dict.fromkeys(("llm", "tts", "face"), port), "asr": own}, asr__give_up_seconds=60
        )
        notices, turns = [], []
        away, told = asyncio.Event(), asyncio.Event()

        class Told(SilentDisplay):
            def notice(self, line: str) -> None:
                notices.append(line)
                if "waits for her ears" in line:
                    told.set()

            def turn(self, ledger: Ledger) -> None:
                turns.append(ledger)
                away.set()

        async def restart() -> None:
            await away.wait()
            await ears.aclose()
            await told.wait()
            await stack.enter_async_context(serving(lab, pki, own))

        async with asyncio.TaskGroup() as group:
            group.create_task(restart())
            code = await VoiceLoop(load_settings(made, {}, {}), Options("lab.yaml", (QUESTION,) * 3), Told()).run()
    outcomes = [ledger.outcome for ledger in turns]
    assert outcomes[0] is outcomes[-1] is Outcome.REPLIED
    assert Outcome.REPROMPTED not in outcomes
    assert outcomes.count(Outcome.FAILED) == 1  # a turn of her own: that she cannot hear
    assert len([line for line in notices if line.endswith("She waits for her ears.")]) == 1
    assert notices.count("She can hear you again.") == 1
    assert outcomes.count(Outcome.REPLIED) == 3  # what was said meanwhile is answered, and nothing is played to nobody
    assert code == 0


@asynccontextmanager
async def model_over_http(pki: Path) -> AsyncIterator[int]:
    """A server that says yes to everything, over connections that are kept."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            body = b'{"data": [{"id": "nova", "object": "model", "created": 0, "owned_by": "us"}]}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
            await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize("kind", [TritonRestMind, OpenAIMind])
async def test_a_model_over_http_is_asked_over_a_new_connection(
    pki: Path, kind: type[TritonRestMind] | type[OpenAIMind]
) -> None:
    """Also where several connections were idle: none of those that are left is tried after a deadline."""
    async with (
        model_over_http(pki) as port,
        relayed(port) as relay,
        open_http(at(relay.port, pki), "/v1" if kind is OpenAIMind else "") as client,
    ):
        mind = kind(client, TritonSettings(call_timeout=1.2))
        assert await asyncio.gather(*(mind.ready() for _ in range(4))) == [True] * 4
        made = relay.connections
        assert made > 1
        relay.forget()
        with pytest.raises(MindTimeout):
            await mind.ready()
        assert await mind.ready()
        assert relay.connections > made
