"""Riva's voice against a scripted service on the real wire: order, joins, how far ahead it asks, what it sends."""

import asyncio

import numpy as np
import pytest
from riva_voice import RATE, Response, chunks, collect, connected, saying, served, silence, sound, tone

from sophia.playout import Playout


@pytest.fixture
async def service(pki):
    async with served(pki) as servicer:
        yield servicer


@pytest.fixture
async def connect(service, pki):
    async with connected(service, pki) as make:
        yield make


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
    assert service.calls == ["What time is it?"]
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
