"""The recogniser against a scripted Riva that breaks, hangs, refuses or stays away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc import StatusCode
from riva.client.proto import riva_asr_pb2 as pb
from riva_ears import Riva, Stream, connected, patient, serving, session

from sophia.events import EarsBack, EarsLost
from sophia.recognition import RecognizerEnded, RecognizerSilent


@pytest.fixture
async def riva(pki: Path) -> AsyncIterator[tuple[Riva, grpc.aio.Channel]]:
    async with connected(pki) as both:
        yield both


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


async def test_a_peer_that_takes_no_sound_is_silent(riva) -> None:
    service, channel = riva

    async def deaf(stream: Stream) -> None:
        await asyncio.Event().wait()

    service.scripts = [deaf]
    async with session(channel, patient(open_seconds=0.3, replay_seconds=60)) as it:
        it.push(3000)  # more than the peer's flow control lets through
        with pytest.raises(RecognizerSilent, match="takes no more sound"):
            await it.until("never")
