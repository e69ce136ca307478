"""Riva's voice against a scripted service that fails, misbehaves, or is cancelled."""

import asyncio

import grpc
import pytest
from riva_voice import Response, chunks, collect, connected, plain, saying, served, silence, sound, tone

from sophia.synthesis import RivaSynthesizer, SynthesizerSettings, VoiceError


@pytest.fixture
async def service(pki):
    async with served(pki) as servicer:
        yield servicer


@pytest.fixture
async def connect(service, pki):
    async with connected(service, pki) as make:
        yield make


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
