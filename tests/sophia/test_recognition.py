"""The recogniser against a scripted Riva, on good days: what it asks for, what it hears, how it ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from riva_ears import Riva, Session, Stream, connected, frame, patient, session

from sophia import recognition
from sophia.audio import Frame
from sophia.recognition import RivaRecognizer
from sophia.transcripts import Recognizer, Transcript


@pytest.fixture
async def riva(pki: Path) -> AsyncIterator[tuple[Riva, grpc.aio.Channel]]:
    async with connected(pki) as both:
        yield both


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


async def test_while_nobody_speaks_a_fifth_of_a_second_is_sent_at_once(riva) -> None:
    service, channel = riva

    async def listens(stream: Stream) -> None:
        await stream.hear(5)
        await stream.say("five", final=True)
        await stream.hear(9)
        await stream.say("fourteen", final=True)
        await stream.hear(10)
        await stream.say("more", final=True)
        await stream.hear()

    service.scripts = [listens]
    async with session(channel) as it:
        it.push(5)
        await it.until("five")
        it.push(9)
        await asyncio.sleep(0.1)
        assert len(service.streams[0].frames) == 5
        it.recognizer.expect_answer()  # a voice: what was held back is wanted now
        await it.until("fourteen")
        it.push(10)
        await it.until("more")


async def test_while_a_voice_goes_on_each_chunk_is_sent_although_words_were_final(riva, monkeypatch) -> None:
    service, channel = riva
    monkeypatch.setattr(recognition, "_TICK", 1000.0)  # else what is held back goes out after a while

    async def listens(stream: Stream) -> None:
        await stream.hear(5)
        await stream.say("five", final=True)
        await stream.hear(1)
        await stream.say("six")
        await stream.hear()

    service.scripts = [listens]
    async with session(channel) as it:
        it.recognizer.expect_answer(goes_on=True)
        it.push(5)
        await it.until("five")
        it.push(1)
        await it.until("six")


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
