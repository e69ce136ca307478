"""Riva's voice against a scripted service on the real wire: gRPC over TLS on loopback."""

import asyncio
import contextlib

import grpc
import numpy as np
import pytest
from riva.client.proto import riva_tts_pb2, riva_tts_pb2_grpc

from sophia.playout import Playout
from sophia.synthesis import RivaSynthesizer, SynthesizerSettings, VoiceError

RATE = 22_050
Response = riva_tts_pb2.SynthesizeSpeechResponse


def tone(seconds, period=50, level=8000):
    return np.rint(level * np.sin(2 * np.pi * np.arange(round(seconds * RATE)) / period + 0.9)).astype(np.int16)


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.int16)


def chunks(pcm, size=1999):
    """The sound in messages of an odd number of bytes."""
    data = pcm.tobytes()
    return [Response(audio=data[at : at + size]) for at in range(0, len(data), size)]


async def plain(text, context):
    """A tone of 10 ms a letter between silences of 200 and 400 ms."""
    for answer in chunks(np.concatenate((silence(0.2), tone(0.01 * len(text)), silence(0.4)))):
        yield answer


class Service(riva_tts_pb2_grpc.RivaSpeechSynthesisServicer):
    """Answers each call as ``script`` says; keeps what was asked, and how many calls are open."""

    def __init__(self):
        self.script = plain
        self.calls = []
        self.requests = []
        self.metadata = []
        self.open = 0
        self.changed = asyncio.Condition()

    async def SynthesizeOnline(self, request_iterator, context):  # noqa: N802
        await self.note(1)
        try:
            self.metadata.append(dict(context.invocation_metadata()))
            texts = []
            async for request in request_iterator:
                self.requests.append(request)
                texts.append(request.text)
            self.calls.append(" ".join(texts))
            await self.note(0)
            async for answer in self.script(" ".join(texts), context):
                yield answer
        finally:
            self.open -= 1
            asyncio.get_running_loop().create_task(self.note(0))

    async def GetRivaSynthesisConfig(self, request, context):  # noqa: N802
        answer = riva_tts_pb2.RivaSynthesisConfigResponse()
        model = answer.model_config.add(model_name="magpie")
        model.parameters.update(
            {
                "voice_name": "Magpie.EN-US",
                "subvoices": "Aria:0,Ray:1",
                "language_code": "en-US",
                "sample_rate": "22050",
            }
        )
        answer.model_config.add(model_name="bare")
        return answer

    async def note(self, opened):
        async with self.changed:
            self.open += opened
            self.changed.notify_all()

    async def until(self, condition):
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(condition)


@pytest.fixture
async def service(pki):
    server = grpc.aio.server()
    servicer = Service()
    riva_tts_pb2_grpc.add_RivaSpeechSynthesisServicer_to_server(servicer, server)
    credentials = grpc.ssl_server_credentials([((pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes())])
    servicer.port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield servicer
    await server.stop(0)


@pytest.fixture
async def connect(service, pki):
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    async with contextlib.AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.secure_channel(f"localhost:{service.port}", credentials))

        def make(**settings):
            return RivaSynthesizer(channel, SynthesizerSettings(**settings), lambda: (("x-turn", "7"),))

        yield make


async def saying(*texts):
    for text in texts:
        yield text


async def collect(speech, heard=None):
    heard = [] if heard is None else heard
    async for chunk in speech:
        heard.append(chunk)
    return heard


def sound(heard, clause=None):
    return np.concatenate([chunk.pcm for chunk in heard if clause in (None, chunk.clause)])


async def test_clauses_come_out_in_order_whole_and_aligned(service, connect):
    synthesizer = connect()
    assert synthesizer.rate == RATE
    heard = await collect(synthesizer.speak(saying("First of all,", "second.", "And third.")))
    assert [chunk.clause for chunk in heard if chunk.last] == [0, 1, 2]
    assert [chunk.clause for chunk in heard] == sorted(chunk.clause for chunk in heard)
    assert {chunk.text for chunk in heard if chunk.clause == 1} == {"second."}
    assert service.calls == ["First of all,", "second.", "And third."]
    middle = tone(0.01 * len("second."))
    got = sound(heard, 1)
    begin = int(np.flatnonzero(np.abs(got) > 104)[0])
    assert np.array_equal(got[begin : begin + len(middle)], middle), "trimming left the voice itself alone"


async def test_the_first_sound_is_not_held_up_by_silence(connect):
    heard = await collect(connect().speak(saying("Hello there.")))
    assert np.flatnonzero(np.abs(sound(heard)) > 104)[0] <= round(0.005 * RATE)


@pytest.mark.parametrize("around", [(0.0, 0.0), (0.02, 0.1), (0.3, 0.7), (0.0, 2.5)])
async def test_joins_are_even_and_without_clicks(service, connect, around):
    """Whatever silence the service puts around a clause, what is left between two depends on the mark alone."""

    async def script(text, context):
        voice = tone(0.2).astype(float)
        slope = np.linspace(0, 1, 100)
        if around[0]:  # a voice that begins out of silence does so softly; one that is cut out does not
            voice[:100] *= slope
        if around[1]:
            voice[-100:] *= slope[::-1]
        for answer in chunks(np.concatenate((silence(around[0]), voice.astype(np.int16), silence(around[1])))):
            yield answer

    service.script = script
    whole = sound(await collect(connect().speak(saying("One thing,", "another thing.", "no mark", "the end."))))
    loud = np.flatnonzero(np.abs(whole) > 104)
    gaps = np.diff(loud) / RATE
    pauses = gaps[gaps > 0.02]
    extra = max(0.0, around[1] - 1.0)  # what is too long to be held back
    assert pauses == pytest.approx([0.12 + extra, 0.25 + extra, 0.06 + extra], abs=0.022)
    steps = np.abs(np.diff(whole.astype(int)))
    assert steps.max() <= np.abs(np.diff(tone(0.1).astype(int))).max() + 8000 / (0.003 * RATE) + 1


async def test_the_next_clause_is_asked_for_while_the_last_one_sounds_but_not_sooner(service, connect):
    gates = {name: asyncio.Event() for name in ("a-begin", "a-end", "b-begin", "b-end", "c-begin", "c-end")}

    async def script(text, context):
        await gates[f"{text}-begin"].wait()
        yield Response(audio=tone(0.2).tobytes())
        await gates[f"{text}-end"].wait()

    service.script = script
    speech = connect().speak(saying("a", "b", "c"))
    first = asyncio.create_task(anext(speech))
    await service.until(lambda: service.open == 1)
    gates["a-begin"].set()
    assert (await first).clause == 0
    await service.until(lambda: service.calls == ["a", "b"])
    assert service.open == 2, "b was asked for while a was not over"
    gates["b-begin"].set()
    gates["a-end"].set()
    while not (await anext(speech)).last:
        pass
    gates["b-end"].set()
    gates["c-begin"].set()
    gates["c-end"].set()
    rest = await collect(speech)
    assert [chunk.clause for chunk in rest if chunk.last] == [1, 2]
    assert service.calls == ["a", "b", "c"]


async def test_no_more_is_asked_for_than_the_listener_will_take(service, connect):
    speech = connect(ahead=3).speak(saying(*(f"Clause {number}." for number in range(20))))
    await anext(speech)
    await service.until(lambda: len(service.calls) == 3 and service.open == 0)
    await asyncio.sleep(0.05)
    assert len(service.calls) == 3
    while (await anext(speech)).clause == 0:
        pass
    await service.until(lambda: len(service.calls) == 4 and service.open == 0)
    await asyncio.sleep(0.05)
    assert len(service.calls) == 4, "one taken, one more asked for"
    await speech.aclose()


async def test_an_error_in_the_third_clause_leaves_the_first_two(service, connect):
    async def script(text, context):
        if text == "Three.":
            yield Response(audio=tone(0.1).tobytes())
            await context.abort(grpc.StatusCode.INTERNAL, "the model fell over")
        async for answer in plain(text, context):
            yield answer

    service.script = script
    heard = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await collect(connect().speak(saying("One.", "Two.", "Three.", "Four.")), heard)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == "the model fell over"
    assert [chunk.clause for chunk in heard if chunk.last] == [0, 1]
    assert sound(heard, 2).size, "and what came of the third"
    await service.until(lambda: service.open == 0)


async def test_a_mind_that_fails_is_spoken_to_where_it_failed(service, connect):
    async def failing():
        yield "One."
        yield "Two."
        raise ValueError("no more ideas")

    heard = []
    with pytest.raises(ValueError, match="no more ideas"):
        await collect(connect().speak(failing()), heard)
    assert [chunk.clause for chunk in heard if chunk.last] == [0, 1]


async def silent(text, context):
    yield Response(audio=silence(0.5).tobytes())


async def nothing(text, context):
    return
    yield


async def hanging(text, context):
    await asyncio.Event().wait()
    yield


async def dribbling(text, context):
    while True:
        yield Response()
        await asyncio.sleep(0.01)


async def stopping(text, context):
    yield Response(audio=tone(0.1).tobytes())
    await asyncio.Event().wait()


async def babbling(text, context):
    while True:
        yield Response(audio=tone(10).tobytes())


@pytest.mark.parametrize(
    ("script", "limits", "message"),
    [
        (silent, {}, "the voice said nothing for a clause of 6 characters"),
        (nothing, {}, "the voice said nothing for a clause of 6 characters"),
        (hanging, {"first_audio_seconds": 0.2}, r"the voice did not begin within 0\.2 s"),
        (dribbling, {"first_audio_seconds": 0.2}, r"the voice did not begin within 0\.2 s"),
        (stopping, {"chunk_seconds": 0.3}, r"the voice stopped for 0\.3 s"),
        (babbling, {}, "the voice does not stop"),
    ],
)
async def test_a_service_that_misbehaves_is_one_line(service, connect, script, limits, message):
    service.script = script
    with pytest.raises(VoiceError, match=message) as caught:
        await collect(connect(**limits).speak(saying("Hello.", "More.")))
    assert "\n" not in str(caught.value)
    await service.until(lambda: service.open == 0)


@pytest.mark.parametrize("spoken", [0, 2])
@pytest.mark.parametrize("code", [grpc.StatusCode.CANCELLED, grpc.StatusCode.INVALID_ARGUMENT])
async def test_whatever_status_a_service_ends_a_call_with_reaches_the_listener(service, connect, spoken, code):
    async def ending(text, context):
        for answer in chunks(tone(0.2))[:spoken]:
            yield answer
        await context.abort(code, "not this one")

    service.script = ending
    async with asyncio.timeout(5):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await collect(connect().speak(saying("Hello.", "More.")))
    assert caught.value.code() is code
    assert "not this one" in caught.value.details()


async def test_a_connection_that_is_thrown_away_is_the_transports_error(service, pki):
    service.script = hanging
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    channel = grpc.aio.secure_channel(f"localhost:{service.port}", credentials)
    synthesizer = RivaSynthesizer(channel, SynthesizerSettings(), tuple)
    speaking = asyncio.create_task(collect(synthesizer.speak(saying("Hello.", "More."))))
    await service.until(lambda: service.open == 1)
    await channel.close()
    async with asyncio.timeout(3):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await speaking
    assert caught.value.code() is grpc.StatusCode.CANCELLED


async def test_a_service_that_is_down_is_the_transports_error(pki):
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    async with grpc.aio.secure_channel("localhost:1", credentials) as channel:
        synthesizer = RivaSynthesizer(channel, SynthesizerSettings(), tuple)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await collect(synthesizer.speak(saying("Hello.")))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("how", ["aclose", "cancel"])
async def test_a_cancelled_reply_leaves_no_call_alive(service, connect, how):
    begun = asyncio.Event()

    async def script(text, context):
        yield Response(audio=tone(0.1).tobytes())
        if text == "Two.":
            begun.set()
        await asyncio.Event().wait()

    service.script = script
    speech = connect().speak(saying("One.", "Two.", "Three."))
    if how == "aclose":
        await anext(speech)
        await begun.wait()
        assert service.open == 2
        await speech.aclose()
    else:
        listening = asyncio.create_task(collect(speech))
        await begun.wait()
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
    await service.until(lambda: service.open == 0)
    assert service.calls == ["One.", "Two."]
    assert [task for task in asyncio.all_tasks() if "_feed" in repr(task) or "_receive" in repr(task)] == []


async def test_what_cannot_be_said_is_not_sent(service, connect):
    heard = await collect(connect().speak(saying("**Hello** {you}.", "🙂", "---", "Bye.")))
    assert service.calls == ["Hello you.", "Bye."]
    assert [(chunk.clause, chunk.text) for chunk in heard if chunk.last] == [
        (0, "**Hello** {you}."),
        (1, "🙂"),
        (2, "---"),
        (3, "Bye."),
    ]


async def test_long_text_goes_in_pieces(service, connect):
    text = "Walk along the shore " * 60
    await collect(connect(piece_characters=200).speak(saying(text)))
    assert service.calls == [text.strip()]
    assert len(service.requests) > 6
    assert all(len(request.text) <= 200 for request in service.requests)


async def test_the_settings_and_metadata_reach_the_service(service, connect):
    synthesizer = connect(voice="Magpie.Aria", language="de-DE", rate=24_000, pronunciations={"Riva": "ˈriːva"})
    await collect(synthesizer.speak(saying("Guten Tag.", "Bis bald.")))
    request = service.requests[0]
    assert request.voice_name == "Magpie.Aria"
    assert request.language_code == "de-DE"
    assert request.sample_rate_hz == synthesizer.rate == 24_000
    assert request.custom_dictionary == "Riva  ˈriːva"
    assert [metadata["x-turn"] for metadata in service.metadata] == ["7", "7"]


async def test_word_times_are_seconds_from_the_clauses_first_sample(service, connect):
    async def script(text, context):
        yield Response(audio=np.concatenate((silence(0.305), tone(0.5))).tobytes())
        last = Response(audio=tone(0.5).tobytes())
        last.meta.words.add(word="Hello", start_time=305, end_time=800)
        last.meta.words.add(word="you", start_time=800, end_time=1305)
        yield last

    service.script = script
    heard = await collect(connect().speak(saying("Hello you.", "Hello you.")))
    first = [word for chunk in heard if chunk.clause == 0 for word in chunk.words]
    assert [(word.text, word.start, word.end) for word in first] == [
        ("Hello", pytest.approx(0.005, abs=0.001), pytest.approx(0.5, abs=0.001)),
        ("you", pytest.approx(0.5, abs=0.001), pytest.approx(1.005, abs=0.001)),
    ]
    second = [word for chunk in heard if chunk.clause == 1 for word in chunk.words]
    begin = np.flatnonzero(np.abs(sound(heard, 1)) > 104)[0] / RATE
    assert second[0].start == pytest.approx(begin, abs=0.001), "the pause before it is part of it"


async def test_describe_and_warm(service, connect):
    magpie, bare = await connect().describe()
    assert (magpie.model, magpie.languages, magpie.rate) == ("magpie", ("en-US",), 22_050)
    assert magpie.names == ("Magpie.EN-US.Aria", "Magpie.EN-US.Ray")
    assert bare.names == ()
    assert bare.rate is None
    assert await connect().warm() > 0
    assert service.calls == ["Hello."]
    await service.until(lambda: service.open == 0)


async def test_it_plays_without_an_underrun_or_a_lost_sample(service, connect):
    """Voice and playout together: what came out of the synthesiser is what the sink was given."""
    playout = Playout(RATE, lambda event: None)
    playout.open(1)
    pushed = []
    async for chunk in connect().speak(saying("First of all,", "second.", "And third.")):
        pushed.append(chunk.pcm)
        assert await playout.push(1, chunk.pcm)
    playout.finish(1)
    playout.release(1)
    played = [playout.pull(441, block * 0.02) for block in range(200)]
    whole = np.concatenate(pushed)
    assert np.array_equal(np.concatenate(played)[: len(whole)], whole)
    assert playout.underruns == 0
