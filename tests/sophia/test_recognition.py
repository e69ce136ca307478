"""The recogniser against a scripted Riva over TLS on loopback: well, breaking, hanging, refusing, slow."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc import StatusCode
from riva.client.proto import riva_asr_pb2 as pb
from riva.client.proto import riva_asr_pb2_grpc as pb_grpc

from sophia.audio import Frame
from sophia.events import EarsBack, EarsLost
from sophia.recognition import RecognizerEnded, RecognizerSettings, RecognizerSilent, RivaRecognizer
from sophia.transcripts import Recognizer, Transcript

Scripted = Callable[["Stream"], Awaitable[None]]


@dataclass
class Stream:
    """The service's end of one stream, for a script to play with."""

    requests: AsyncIterator[pb.StreamingRecognizeRequest]
    context: grpc.aio.ServicerContext
    config: pb.StreamingRecognitionConfig
    frames: list[int] = field(default_factory=list)  # the number that each 20 ms frame was filled with
    finish: list[int] = field(default_factory=list)  # how many frames had come at each force_eou
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # the client closed its side

    async def hear(self, count: int | None = None) -> int:
        """Takes ``count`` more frames, or all until the client closes its side; returns the last one's number."""
        goal = None if count is None else len(self.frames) + count
        while goal is None or len(self.frames) < goal:
            request = await anext(self.requests, None)
            if request is None:
                self.ended.set()
                break
            if request.runtime_config.get("force_eou") == "true":
                assert len(request.audio_content) == 2560
                self.finish.append(len(self.frames))
                break
            self.frames += np.frombuffer(request.audio_content, np.int16)[::320].tolist()
        return self.frames[-1] if self.frames else -1

    async def say(
        self, text: str, *, processed: float | None = None, final: bool = False, stability: float = 0.1
    ) -> None:
        result = pb.StreamingRecognitionResult(
            is_final=final,
            stability=0.0 if final else stability,
            audio_processed=len(self.frames) * 0.02 if processed is None else processed,
        )
        result.alternatives.add(transcript=text, confidence=0.9 if final else 0.0)
        await self.context.write(pb.StreamingRecognizeResponse(results=[result]))


class Riva(pb_grpc.RivaSpeechRecognitionServicer):
    """Plays one script for each stream, the last one for all that follow."""

    def __init__(self) -> None:
        self.scripts: list[Scripted] = []
        self.streams: list[Stream] = []
        self.metadata: list[dict[str, str]] = []
        self.opened = asyncio.Event()
        self.asked = asyncio.Event()  # for its health
        self.busy = False  # and lists no models until the utterance is over

    async def check(self, request: bytes, context: object) -> bytes:
        self.asked.set()
        return b"\x08\x01"

    async def ended(self, number: int) -> None:
        """Waits until the client has closed its side of the stream."""
        async with asyncio.timeout(10):
            await self.opened.wait()
            await self.streams[number].ended.wait()

    async def StreamingRecognize(self, request_iterator, context):  # noqa: N802
        requests = aiter(request_iterator)
        first = await anext(requests)
        assert first.WhichOneof("streaming_request") == "streaming_config"
        stream = Stream(requests, context, first.streaming_config)
        self.metadata.append(dict(context.invocation_metadata()))
        self.streams.append(stream)
        self.opened.set()
        await self.scripts[min(len(self.streams), len(self.scripts)) - 1](stream)

    async def GetRivaSpeechRecognitionConfig(self, request, context):  # noqa: N802
        if self.busy:
            await asyncio.Event().wait()
        answer = pb.RivaSpeechRecognitionConfigResponse()
        answer.model_config.add(model_name="parrot-en", parameters={"language_code": "en-US", "streaming": "True"})
        return answer


async def serving(servicer: Riva, pki: Path, port: int = 0) -> tuple[grpc.aio.Server, int]:
    # Small windows, so that a peer which does not read is felt soon.
    server = grpc.aio.server(options=[("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384)])
    pb_grpc.add_RivaSpeechRecognitionServicer_to_server(servicer, server)
    check = grpc.unary_unary_rpc_method_handler(servicer.check)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check}),))
    key, chain = ((pki / name).read_bytes() for name in ("server.key", "server.crt"))
    port = server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, chain)]))
    await server.start()
    return server, port


@pytest.fixture
async def riva(pki: Path) -> AsyncIterator[tuple[Riva, grpc.aio.Channel]]:
    servicer = Riva()
    server, port = await serving(servicer, pki)
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        yield servicer, channel
    await server.stop(None)


def frame(number: int) -> Frame:
    return Frame(np.full(320, number, np.int16), number * 0.02)


def patient(**changes: object) -> RecognizerSettings:
    return RecognizerSettings.model_validate({"answer_seconds": 0.3, "drain_seconds": 0.3} | changes)


class Session:
    """A recogniser that is being read, and what it said."""

    def __init__(self, channel: grpc.aio.Channel, settings: RecognizerSettings) -> None:
        self.troubles: list[Exception] = []
        self.told: list[type] = []
        self.recognizer = RivaRecognizer(channel, settings, lambda: (("traceparent", "00-1-2-01"),), self._told)
        self.heard: list[Transcript] = []
        self._new = asyncio.Event()
        self.reading = asyncio.create_task(self._read())
        self._pushed = 0

    def _told(self, event: EarsLost | EarsBack) -> None:
        self.told.append(type(event))
        if isinstance(event, EarsLost):
            self.troubles.append(event.error)

    async def has_told(self, *kinds: type) -> None:
        """Waits, while sound comes, until it has told just this of its outages."""
        async with asyncio.timeout(10):
            while self.told != [*kinds]:
                self.push(1)
                await asyncio.sleep(0.02)

    async def _read(self) -> None:
        async for transcript in self.recognizer.transcripts():
            self.heard.append(transcript)
            self._new.set()

    def push(self, count: int) -> None:
        for _ in range(count):
            self.recognizer.push(frame(self._pushed))
            self._pushed += 1

    async def until(self, text: str) -> Transcript:
        while not (self.heard and self.heard[-1].text == text):
            self._new.clear()
            new = asyncio.create_task(self._new.wait())
            await asyncio.wait({new, self.reading}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
            new.cancel()
            if self.reading.done():
                await self.reading
                raise AssertionError(f"ended with {self.heard}")
        return self.heard[-1]


@contextlib.asynccontextmanager
async def session(channel: grpc.aio.Channel, settings: RecognizerSettings | None = None) -> AsyncIterator[Session]:
    it = Session(channel, settings or patient())
    try:
        yield it
    finally:
        await it.recognizer.aclose()
        it.reading.cancel()
        await asyncio.wait({it.reading}, timeout=5)


async def test_config_goes_first_and_partials_and_finals_come_back(riva) -> None:
    service, channel = riva

    async def script(stream: Stream) -> None:
        await stream.hear(10)
        await stream.say("where is")
        await stream.hear(10)
        await stream.say("where is my order", stability=1.0)
        await stream.hear(10)
        await stream.say(" Where is  my order? ", final=True)
        await stream.hear()

    service.scripts = [script]
    settings = patient(language="de-DE", model="parrot", boost_phrases=("order",), custom={"a": "b"}, stop_history=800)
    async with session(channel, settings) as it:
        recognizer: Recognizer = it.recognizer
        assert recognizer.dropped == 0
        it.push(10)
        await it.until("where is")
        it.push(10)
        assert (await it.until("where is my order")).stable
        it.push(10)
        final = await it.until("Where is my order?")
    assert final.final
    assert final.audio_processed == pytest.approx(0.6)
    assert (final.language, final.confidence) == ("de-DE", pytest.approx(0.9))
    (stream,) = service.streams
    assert stream.frames == list(range(30))
    assert stream.ended.is_set()  # closing said goodbye
    config = stream.config.config
    assert (config.language_code, config.model, config.sample_rate_hertz) == ("de-DE", "parrot", 16_000)
    assert (config.endpointing_config.stop_history, config.endpointing_config.stop_history_eou) == (800, 240)
    assert config.speech_contexts[0].phrases == ["order"]
    assert dict(config.custom_configuration) == {"a": "b"}
    assert stream.config.interim_results
    assert service.metadata[0]["traceparent"] == "00-1-2-01"


async def test_it_listens_once_the_service_has_taken_a_stream(riva) -> None:
    service, channel = riva

    async def script(stream: Stream) -> None:
        await stream.hear(2)
        await stream.say("where", final=True)
        await stream.hear()

    service.scripts = [script]
    async with session(channel) as it:
        assert not it.recognizer.listening
        it.push(2)
        await it.until("where")
        assert it.recognizer.listening


async def test_a_broken_stream_is_reopened_with_the_sound_that_had_no_final(riva) -> None:
    service, channel = riva

    async def breaks(stream: Stream) -> None:
        await stream.hear(20)
        await stream.say("one", final=True)  # settles frames 0 to 19
        await stream.hear(20)
        await stream.say("two")
        await stream.context.abort(StatusCode.UNAVAILABLE, "gone")

    async def goes_on(stream: Stream) -> None:
        await stream.hear(20)
        await stream.say("two again", processed=0.4)
        await stream.hear(10)
        result = pb.StreamingRecognitionResult(is_final=True, audio_processed=0.6)
        best = result.alternatives.add(transcript="two three")
        best.words.add(word="two", start_time=100, end_time=300, confidence=0.5)
        await stream.context.write(pb.StreamingRecognizeResponse(results=[result]))
        await stream.hear()

    service.scripts = [breaks, goes_on]
    async with session(channel) as it:
        it.push(20)
        await it.until("one")
        it.push(20)
        again = await it.until("two again")
        assert again.audio_processed == pytest.approx(0.8)  # the session's clock, not the stream's
        it.push(10)
        final = await it.until("two three")
        assert (final.words[0].start, final.words[0].end) == (pytest.approx(0.5), pytest.approx(0.7))
        assert final.audio_processed == pytest.approx(1.0)
        assert it.recognizer.reopened == 1
        assert [e.code() for e in it.troubles] == [StatusCode.UNAVAILABLE]
    assert service.streams[1].frames == list(range(20, 50))


async def test_finals_without_times_settle_what_was_sent(riva) -> None:
    service, channel = riva

    async def timeless(stream: Stream) -> None:
        await stream.hear(10)
        await stream.say("one", final=True, processed=0.0)
        await stream.hear(5)
        await stream.context.abort(StatusCode.INTERNAL, "crashed")

    async def goes_on(stream: Stream) -> None:
        await stream.hear(5)
        await stream.say("two", final=True)
        await stream.hear()

    service.scripts = [timeless, goes_on]
    async with session(channel) as it:
        it.push(10)
        await it.until("one")
        it.push(5)
        await it.until("two")
    assert service.streams[1].frames == list(range(10, 15))


@pytest.mark.parametrize("code", [StatusCode.INVALID_ARGUMENT, StatusCode.UNAUTHENTICATED, StatusCode.NOT_FOUND])
async def test_what_retrying_cannot_cure_is_raised_at_once(riva, code: StatusCode) -> None:
    service, channel = riva

    async def refuses(stream: Stream) -> None:
        await stream.context.abort(code, "Model not found for language")

    service.scripts = [refuses]
    async with session(channel) as it:
        it.push(1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await it.until("never")
    assert caught.value.code() is code
    assert code not in [e.code() for e in it.troubles]
    assert not it.recognizer.listening  # it was refused


async def test_a_restarted_service_is_found_again(pki: Path) -> None:
    async def before(stream: Stream) -> None:
        await stream.say(f"up to {await stream.hear(10)}")
        await stream.hear()

    async def after(stream: Stream) -> None:
        await stream.say(f"again up to {await stream.hear(20)}")
        await stream.hear()

    first, second = Riva(), Riva()
    first.scripts, second.scripts = [before], [after]
    server, port = await serving(first, pki)
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    async with (
        grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel,
        session(channel) as it,
    ):
        it.push(10)
        await it.until("up to 9")
        await server.stop(0)
        it.push(10)
        server, _ = await serving(second, pki, port)
        await it.until("again up to 19")
        assert it.told == [EarsLost, EarsBack]
    await server.stop(0)
    assert second.streams[0].frames == list(range(20))


@pytest.mark.parametrize("code", [StatusCode.NOT_FOUND, StatusCode.UNIMPLEMENTED, StatusCode.INVALID_ARGUMENT])
async def test_what_had_worked_is_starting_again_and_waited_for(riva, code: StatusCode) -> None:
    """A speech service that loads its models, or a proxy before it, says that there is no such thing."""
    service, channel = riva

    async def works(stream: Stream) -> None:
        await stream.say(f"up to {await stream.hear(10)}")
        await stream.context.abort(StatusCode.UNAVAILABLE, "stopping")

    async def loading(stream: Stream) -> None:
        await stream.context.abort(code, "no such model")

    async def again(stream: Stream) -> None:
        await stream.say(f"again up to {await stream.hear(20)}")
        await stream.hear()

    service.scripts = [works, loading, loading, again]
    async with session(channel, patient(give_up_seconds=None)) as it:
        it.push(20)
        await it.until("again up to 19")
        await it.has_told(EarsLost, EarsBack)


async def test_ears_that_nobody_talks_to_are_found_well_again(pki: Path) -> None:
    async def listens(stream: Stream) -> None:
        await stream.hear()

    service = Riva()
    service.scripts = [listens]
    server, port = await serving(service, pki)
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
    async with (
        grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel,
        session(channel, patient(give_up_seconds=float("inf"))) as it,
    ):
        it.push(10)
        await service.opened.wait()
        await server.stop(0)
        it.push(10)
        server, _ = await serving(service, pki, port)
        await it.has_told(EarsLost, EarsBack)
        assert it.heard == []
    await server.stop(0)


async def test_a_service_that_stays_away_is_given_up(riva) -> None:
    service, channel = riva

    async def breaks(stream: Stream) -> None:
        await stream.context.abort(StatusCode.UNAVAILABLE, "starting")

    service.scripts = [breaks]
    async with session(channel, patient(give_up_seconds=0.25)) as it:
        it.push(1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await it.until("never")
    assert caught.value.code() is StatusCode.UNAVAILABLE
    assert len(service.streams) == 2  # at once and after 0.1 s; 0.2 s more would be too late
    assert len(it.troubles) == 1


async def test_nobody_listening_is_unavailable() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel, session(channel, patient(give_up_seconds=0)) as it:
        it.push(1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await it.until("never")
    assert caught.value.code() is StatusCode.UNAVAILABLE


async def test_streams_that_keep_ending_are_given_up(riva) -> None:
    service, channel = riva

    async def leaves(stream: Stream) -> None:
        await stream.hear(1)

    service.scripts = [leaves]
    async with session(channel, patient(give_up_seconds=0)) as it:
        it.push(1)
        with pytest.raises(RecognizerEnded, match="by itself"):
            await it.until("never")


async def test_a_hang_is_found_out_reopened_and_then_an_error(riva) -> None:
    service, channel = riva

    async def hangs(stream: Stream) -> None:
        await asyncio.Event().wait()

    service.scripts = [hangs]
    async with session(channel, patient(give_up_seconds=1.0)) as it:
        it.push(20)
        it.recognizer.expect_answer()
        with pytest.raises(RecognizerSilent, match="gives no answer"):
            await it.until("never")
        assert len(service.streams) >= 2
        assert it.told == [EarsLost]
        assert [type(e) for e in it.troubles] == [RecognizerSilent]


async def test_a_hang_that_a_new_stream_cures_costs_nothing(riva) -> None:
    service, channel = riva

    async def hangs(stream: Stream) -> None:
        await asyncio.Event().wait()

    async def well(stream: Stream) -> None:
        await stream.hear(20)
        await stream.say("hello", final=True)
        await stream.hear()

    service.scripts = [hangs, well]
    async with session(channel) as it:
        it.push(20)
        it.recognizer.expect_answer()
        assert (await it.until("hello")).audio_processed == pytest.approx(0.4)
        assert service.streams[1].frames == list(range(20))


async def test_a_cough_that_gives_no_words_is_no_error(riva) -> None:
    service, channel = riva
    renewed = asyncio.Event()

    async def deaf_to_coughs(stream: Stream) -> None:
        await stream.hear()

    async def well(stream: Stream) -> None:
        renewed.set()
        await stream.hear(5)
        await stream.say("hello")
        await stream.hear()

    service.scripts = [deaf_to_coughs, well]
    async with session(channel) as it:
        it.push(5)
        it.recognizer.expect_answer()
        await service.ended(0)
        it.push(5)  # a new stream opens with new sound, and has what came just before as well
        await it.until("hello")
        assert service.streams[1].frames[:5] == list(range(5))
        assert (it.troubles, it.recognizer.reopened) == ([], 0)


async def test_a_service_that_does_one_thing_at_a_time_keeps_its_stream(riva) -> None:
    """It says nothing while it works on an utterance, lists no models, and answers for its health."""
    service, channel = riva
    service.busy = True

    async def works(stream: Stream) -> None:
        await stream.hear(20)
        await service.asked.wait()
        await stream.hear(20)
        await stream.say("hello", final=True)
        await stream.hear()

    service.scripts = [works]
    async with session(channel, patient(answer_seconds=10)) as it:
        it.push(20)
        it.recognizer.expect_answer()
        async with asyncio.timeout(10):
            await service.asked.wait()
        it.push(20)
        assert (await it.until("hello")).audio_processed == pytest.approx(0.8)
        assert (it.troubles, len(service.streams)) == ([], 1)


async def test_a_service_that_shows_no_words_may_wait_for_the_end_of_a_voice(riva) -> None:
    service, channel = riva

    async def only_finals(stream: Stream) -> None:
        await stream.hear()
        await stream.say("hello", final=True)

    service.scripts = [only_finals]
    async with session(channel) as it:
        it.push(20)
        it.recognizer.expect_answer(goes_on=True)
        await asyncio.sleep(0.6)  # twice what a missing answer may take
        assert not service.streams[0].ended.is_set()
        it.push(20)
        it.recognizer.expect_answer()
        assert (await it.until("hello")).audio_processed == pytest.approx(0.8)
        assert (it.troubles, len(service.streams)) == ([], 1)


@pytest.mark.parametrize("showed_words", [False, True])
async def test_a_voice_that_goes_on_is_not_waited_for_without_end(riva, showed_words: bool) -> None:
    service, channel = riva

    async def falls_silent(stream: Stream) -> None:
        if showed_words:
            await stream.hear(20)
            await stream.say("hell")
            await stream.say("hello", final=True)
        await stream.hear()

    service.scripts = [falls_silent]
    async with session(channel, patient(replay_seconds=20 if showed_words else 1)) as it:
        it.push(20)
        if showed_words:
            await it.until("hello")
        it.push(20)
        it.recognizer.expect_answer(goes_on=True)
        await service.ended(0)
        assert it.troubles == []


async def test_an_answer_takes_the_worry_away(riva) -> None:
    service, channel = riva

    async def well(stream: Stream) -> None:
        await stream.hear(5)
        await stream.say("hello")
        await stream.hear(1)
        await stream.say("hello there")
        await stream.hear()

    service.scripts = [well]
    async with session(channel) as it:
        it.push(5)
        it.recognizer.expect_answer()
        await it.until("hello")
        await asyncio.sleep(0.6)  # twice what a missing answer may take
        assert not service.streams[0].ended.is_set()
        it.push(1)
        await it.until("hello there")
    assert len(service.streams) == 1


async def test_a_stream_is_renewed_by_age_but_not_inside_an_utterance(riva) -> None:
    service, channel = riva

    async def talks(stream: Stream) -> None:
        await stream.hear(5)
        await stream.say("one")
        await stream.hear(1)
        await stream.say("one two", final=True)
        await stream.hear()

    async def fresh(stream: Stream) -> None:
        await stream.hear(1)
        await stream.say("three", final=True)
        await stream.hear()

    service.scripts = [talks, fresh]
    async with session(channel, patient().model_copy(update={"max_stream_seconds": 0.4})) as it:
        it.push(5)
        await it.until("one")
        await asyncio.sleep(0.8)
        assert not service.streams[0].ended.is_set()
        it.push(1)
        await it.until("one two")
        await service.ended(0)
        it.push(1)
        three = await it.until("three")
    assert service.streams[1].frames == [6]
    assert three.audio_processed == pytest.approx(0.14)
    assert (it.troubles, it.recognizer.reopened) == ([], 0)


async def test_without_sound_the_stream_is_closed_and_opened_again_with_it(riva) -> None:
    service, channel = riva

    async def listens(stream: Stream) -> None:
        await stream.hear(1)
        await stream.say(f"stream {len(service.streams)}", final=True)
        await stream.hear()

    service.scripts = [listens]
    async with session(channel, patient(idle_seconds=0.5)) as it:
        await asyncio.sleep(0.05)
        assert service.streams == []  # nothing to hear, nothing opened
        it.push(1)
        await it.until("stream 1")
        await service.ended(0)
        await asyncio.sleep(0.6)
        assert len(service.streams) == 1
        it.push(1)
        await it.until("stream 2")


async def test_while_nobody_speaks_a_tenth_of_a_second_is_sent_at_once(riva) -> None:
    service, channel = riva

    async def listens(stream: Stream) -> None:
        await stream.hear(5)
        await stream.say("five", final=True)
        await stream.hear(4)
        await stream.say("nine", final=True)
        await stream.hear()

    service.scripts = [listens]
    async with session(channel) as it:
        it.push(5)
        await it.until("five")
        it.push(4)
        await asyncio.sleep(0.1)
        assert len(service.streams[0].frames) == 5
        it.recognizer.expect_answer()  # a voice: what was held back is wanted now
        await it.until("nine")


async def test_finish_comes_after_the_sound_that_it_is_about(riva) -> None:
    service, channel = riva

    async def listens(stream: Stream) -> None:
        await stream.hear()  # until force_eou
        await stream.say("finished", processed=0.5, final=True)
        await stream.hear(10)
        await stream.say("next", processed=0.5 + 0.08 + 0.1)
        await stream.hear()

    service.scripts = [listens]
    async with session(channel) as it:
        it.push(25)
        it.recognizer.finish_utterance()
        await it.until("finished")
        it.push(10)
        following = await it.until("next")
        assert service.streams[0].finish == [25]
        assert following.audio_processed == pytest.approx(0.6)  # our 80 ms of silence are not the user's sound


async def test_sound_that_nobody_takes_is_dropped_oldest_first_and_counted(riva) -> None:
    service, channel = riva

    async def listens(stream: Stream) -> None:
        await stream.hear(50)
        await stream.say("newest", processed=1.0)
        await stream.hear()

    service.scripts = [listens]
    async with session(channel, patient(replay_seconds=1.0)) as it:
        it.push(120)  # the loop had no chance to send any
        assert it.recognizer.dropped == 70
        newest = await it.until("newest")
    assert service.streams[0].frames[:50] == list(range(70, 120))
    assert newest.audio_processed == pytest.approx(2.4)


async def test_a_peer_that_takes_no_sound_is_silent(riva) -> None:
    service, channel = riva

    async def deaf(stream: Stream) -> None:
        await asyncio.Event().wait()

    service.scripts = [deaf]
    async with session(channel, patient(open_seconds=0.3, replay_seconds=60)) as it:
        it.push(3000)  # more than the peer's flow control lets through
        with pytest.raises(RecognizerSilent, match="takes no more sound"):
            await it.until("never")


@pytest.mark.parametrize("started", [False, True])
async def test_closing_ends_within_a_second_whatever_the_peer_does(riva, started: bool) -> None:
    service, channel = riva
    entered = asyncio.Event()

    async def hangs(stream: Stream) -> None:
        entered.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    service.scripts = [hangs]
    it = Session(channel, patient(drain_seconds=30))
    it.push(50)
    if started:
        await entered.wait()
    async with asyncio.timeout(1.2):
        await it.recognizer.aclose()
        await it.reading
    it.push(1)  # too late, and no error
    assert it.heard == []


async def test_leaving_the_transcripts_ends_the_stream(riva) -> None:
    service, channel = riva
    cancelled = asyncio.Event()

    async def talks(stream: Stream) -> None:
        try:
            await stream.hear(1)
            await stream.say("hello")
            await stream.hear()
        finally:
            cancelled.set()

    service.scripts = [talks]
    recognizer = RivaRecognizer(channel, patient(), tuple)
    recognizer.push(frame(0))
    transcripts = recognizer.transcripts()
    assert (await anext(transcripts)).text == "hello"
    await transcripts.aclose()
    async with asyncio.timeout(5):
        await cancelled.wait()
    with pytest.raises(RuntimeError, match="only once"):
        await anext(recognizer.transcripts())


async def test_unread_interims_give_way_but_finals_do_not(riva) -> None:
    _, channel = riva
    recognizer = RivaRecognizer(channel, patient(), tuple)
    for text in ("a", "a b", "A b c.", "d", "d e"):
        recognizer._take(Transcript(text, final=text.endswith(".")))
    transcripts = recognizer.transcripts()
    assert [(await anext(transcripts)).text, (await anext(transcripts)).text] == ["A b c.", "d e"]
    await transcripts.aclose()


async def test_it_tells_what_the_service_offers(riva) -> None:
    _, channel = riva
    (model,) = await RivaRecognizer(channel, patient(), tuple).describe()
    assert (model.name, model.parameters["language_code"]) == ("parrot-en", "en-US")


async def test_other_rates_are_refused(riva) -> None:
    _, channel = riva
    with pytest.raises(ValueError, match="16000 Hz, not 48000"):
        RivaRecognizer(channel, patient(), tuple).push(Frame(np.zeros(960, np.int16), 0.0, 48_000))
