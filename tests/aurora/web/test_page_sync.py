"""Lips and sound in a real browser, against a server that does what each test says.

Every figure is placed on the audio context's clock, in its recorded output. What a slow machine does late, it does late
on that clock as well, so no figure depends on the machine.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soxr
from page_browser import Recorded, agreement, browsing, opened, recorded, settled
from page_double import RATE, Double, Pcm, Talk, serving
from page_judge import jaw, microphone_time, moving_after, places, silence_after, skew, stale

BITES = Path(__file__).parents[3] / "pipelines" / "soundbites" / "talks" / "heart-low"

pytestmark = [pytest.mark.timeout(150), pytest.mark.asyncio(loop_scope="module")]

Script = Callable[[Talk], Awaitable[None]]

ALL = 60.0
"""Seconds of lead that let a whole reply come at once: nothing runs dry, however slow the machine."""

AT_REST = "!sophia.session.position()?.playing && sophia.log.at(-1).mouth <= 0.02"
SILENCED = "([item, times]) => sophia.events.filter(e => e.type === 'silenced' && e.item === item).length >= times"
CLEAR_WITHIN, REST_WITHIN = 0.020, 0.150


def bite(name: str, rate: int = RATE) -> Pcm:
    """A voice as hers, or as the user's."""
    with wave.open(str(BITES / f"{name}.wav")) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return soxr.resample(pcm, file.getframerate(), rate, "VHQ")


def voice(seconds: float, seed: int) -> Pcm:
    """Her voice: noise up to 6 kHz, without a pause, each moment of which can be told from all others."""
    noise = np.random.default_rng(seed).normal(0, 3000, round(seconds * RATE)).astype(np.float32)
    return soxr.resample(soxr.resample(noise, RATE, RATE / 2, "VHQ"), RATE / 2, RATE, "VHQ").astype(np.int16)


LONG, SHORT = voice(2.2, 1), voice(1.4, 2)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with browsing() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def double() -> AsyncIterator[Double]:
    async with serving() as running:
        yield running


async def talked(
    browser: Any, double: Double, script: Script, last: str, *, plant: str = "", times: int = 1
) -> Recorded:
    """What a page did while the script played, until ``last`` had fallen silent so many ``times``, and all was at rest.

    ``plant`` is a fault: JavaScript that runs in the page when it has connected.
    """
    page = await opened(browser, double.url)

    async def play(talk: Talk) -> None:
        talk.page = page
        await script(talk)

    double.script = play
    await page.click("#talk")
    await page.wait_for_function("sophia.session.socket")
    if plant:
        await page.evaluate(plant)
    await page.wait_for_function(SILENCED, arg=[last, times])
    await settled(page)
    got = await recorded(page)
    await page.close()
    return got


async def drawn(page: Any) -> int:
    """How many pictures the page has drawn."""
    return int(await page.evaluate("sophia.log.length"))


async def heard_for(talk: Talk, item: str, ms: float) -> None:
    """Waits until the page reports that it heard so much of the item."""
    await talk.until(
        lambda: any(
            e["type"] == "sophia.playout.position" and e["item_id"] == item and e["audio_ms"] >= ms for e in talk.heard
        )
    )


async def barge_in(talk: Talk) -> None:
    """A reply that is cut off, late pieces of it, and the next reply."""
    talk.face("a", 3.0)
    await talk.say("a", LONG, lead=ALL)
    await heard_for(talk, "a", 1000)
    talk.send("sophia.playout.clear", item_id="a", audio_ms=1000.0)
    talk.face("a", 3.0)
    await talk.say("a", LONG[RATE:], 1.0, lead=ALL)
    await talk.page.wait_for_function(AT_REST)
    talk.face("b", 2.0)
    await talk.say("b", SHORT, lead=ALL)


async def test_lips_are_where_the_sound_is(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        talk.face("a", 3.0)
        await talk.say("a", LONG, lead=ALL)

    got = await talked(browser, double, script, "a")
    assert skew(got, "a", jaw).good, skew(got, "a", jaw)
    assert skew(got, "a").good, "the time codes that the page tells are those of its poses"
    # What the page reports of itself is what the recording says.
    face = double.talks[0].heard[-1]["face"]
    assert abs(face["skew_mean_ms"] - 1000 * skew(got, "a").mean) < 5
    assert face["missing"] < 0.02


async def test_a_link_that_stood_still_pulls_nothing_apart(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        talk.face("a", 1.0)
        saying = asyncio.create_task(talk.say("a", LONG))
        await heard_for(talk, "a", 600)
        await talk.stall(talk.page.wait_for_function("!sophia.session.position().playing"))
        talk.face("a", 2.0, start=1.0)
        await saying

    got = await talked(browser, double, script, "a")
    assert [e["count"] for e in got.events if e["type"] == "underrun"][:1] == [1]
    assert skew(got, "a", jaw).good, skew(got, "a", jaw)


async def test_a_voice_that_is_cut_off_is_silent_at_once_and_the_next_reply_has_lips(
    browser: Any, double: Double
) -> None:
    got = await talked(browser, double, barge_in, "b")
    assert 0 < silence_after(got, "sophia.playout.clear", "a") <= CLEAR_WITHIN
    assert moving_after(got, "sophia.playout.clear", "a") <= REST_WITHIN
    assert not stale(got, "a")
    assert skew(got, "a", jaw).good, skew(got, "a", jaw)
    assert skew(got, "b", jaw).good, skew(got, "b", jaw)
    # The server learns to the sample where she was silenced: the recording has the sound up to there.
    told = next(e for e in double.talks[0].heard if e["type"] == "sophia.playout.position" and not e["playing"])
    last = places(got, "a")[-1]
    ended = got.received("sophia.playout.clear", "a") + silence_after(got, "sophia.playout.clear", "a")
    assert abs(last.position + ended - last.t - told["audio_ms"] / 1000) < 0.005


async def test_a_pause_goes_on_where_the_server_says(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        talk.face("a", 3.0)
        saying = asyncio.create_task(talk.say("a", LONG))
        await heard_for(talk, "a", 1000)
        saying.cancel()
        talk.send("sophia.playout.pause", item_id="a", audio_ms=1000.0)
        await talk.until(lambda: not talk.heard[-1].get("playing", True))
        position = talk.heard[-1]["audio_ms"] / 1000
        await talk.page.wait_for_function(AT_REST)
        talk.send("sophia.playout.resume", item_id="a", audio_ms=1000 * position)
        again = round((position - 0.1) * RATE)
        await talk.say("a", LONG[again:], again / RATE, lead=ALL)

    got = await talked(browser, double, script, "a", times=2)
    assert silence_after(got, "sophia.playout.pause", "a") <= CLEAR_WITHIN
    assert moving_after(got, "sophia.playout.pause", "a") <= REST_WITHIN
    assert skew(got, "a", jaw).good, skew(got, "a", jaw)
    paused = next(e for e in got.events if e["type"] == "silenced")
    again = [p.position for p in places(got, "a") if p.t > paused["t"]]
    assert min(again) == pytest.approx(paused["at"] - 0.1, abs=0.03), "a tenth comes twice"
    assert not [e for e in got.events if e["type"] == "cut"]


async def test_frames_that_are_60_ms_off_are_found(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        talk.face("a", 3.0, shifted=0.06)
        await talk.say("a", LONG, lead=ALL)

    got = await talked(browser, double, script, "a")
    assert not skew(got, "a", jaw).good
    assert skew(got, "a", jaw).mean == pytest.approx(-0.06, abs=0.01)


IGNORED = """() => {
  const voice = sophia.session.voice, take = voice.take;
  voice.take = function (event, t) { return event.type === 'sophia.playout.clear' ? [] : take.call(this, event, t); };
}"""


async def test_a_clear_that_is_ignored_is_found(browser: Any, double: Double) -> None:
    got = await talked(browser, double, barge_in, "b", plant=IGNORED)
    assert silence_after(got, "sophia.playout.clear", "a") > CLEAR_WITHIN
    assert moving_after(got, "sophia.playout.clear", "a") > REST_WITHIN
    assert stale(got, "a")


async def test_sound_without_frames_is_heard_and_told(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        await talk.say("a", SHORT)

    got = await talked(browser, double, script, "a")
    assert len(places(got, "a")) > 10
    assert max(d["mouth"] for d in got.draws) == 0
    assert double.talks[0].heard[-1]["face"]["missing"] == 1


async def test_frames_without_sound_move_nothing(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        talk.face("a", 2.0)
        await talk.page.wait_for_function("drawn => sophia.log.length > drawn + 10", arg=await drawn(talk.page))
        await talk.say("b", SHORT)

    got = await talked(browser, double, script, "b")
    assert max(d["mouth"] for d in got.draws) == 0


async def test_a_context_that_stood_still_goes_on_with_its_lips(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        talk.face("a", 3.0)
        await talk.say("a", LONG, lead=ALL)

    stops = """() => {
        const { session, log } = sophia;
        const wait = setInterval(async () => {
            if (!(session.position()?.seconds > 1)) return;
            clearInterval(wait);
            const { context } = session.speaker;
            await context.suspend();
            const drawn = log.length;
            const more = setInterval(() => {
                if (log.length < drawn + 12) return;
                clearInterval(more);
                context.resume();
            }, 20);
        }, 20);
    }"""
    got = await talked(browser, double, script, "a", plant=stops)
    told = [e["type"] for e in got.events]
    assert told.index("blocked") < told.index("allowed")
    during = [d for e, f in [(told.index("blocked"), told.index("allowed"))] for d in
              got.draws[got.events[e]["log"] : got.events[f]["log"]]]  # fmt: skip
    assert len(during) > 5
    assert all(d.get("frame") is None for d in during)
    assert during[-1]["mouth"] <= 0.02
    assert skew(got, "a", jaw).good, skew(got, "a", jaw)


async def test_a_page_that_is_closed_while_she_speaks_leaves_its_connection(browser: Any, double: Double) -> None:
    ended = asyncio.Event()

    async def script(talk: Talk) -> None:
        try:
            await talk.say("a", np.tile(LONG, 10))
        finally:
            ended.set()

    double.script = script
    page = await opened(browser, double.url)
    await page.click("#talk")
    await page.wait_for_function("sophia.session.position()?.playing")
    await page.close()
    await asyncio.wait_for(ended.wait(), 20)


async def test_two_pages_watch_one_conversation(browser: Any, double: Double) -> None:
    async def script(talk: Talk) -> None:
        assert talk.watch
        talk.face("a", 3.0)
        began = talk.now_ms
        while (passed := talk.now_ms - began) < 1500:
            talk.send("sophia.playout.position", item_id="a", audio_ms=passed, playing=True, at_ms=talk.now_ms)
            talk.send("sophia.levels", user_db=-60.0, agent_db=-20.0, at_ms=talk.now_ms)
            await asyncio.sleep(0.1)
        talk.send("sophia.playout.clear", item_id="a", audio_ms=1500.0)

    double.script = script
    pages = [await opened(browser, double.url) for _ in range(2)]
    for page in pages:
        await page.click("#watch")
    for page in pages:
        await page.wait_for_function("sophia.events.some(e => e.type === 'cut')")
        await page.wait_for_function(AT_REST)
        draws = [d for d in await page.evaluate("sophia.log") if d.get("frame") is not None]
        said = await page.evaluate("sophia.events.map(e => e.type)")
        assert said == ["open", "clear", "cut"]
        assert len(draws) > 20
        # On the server's clock the item began when its position was nought; the page's lips follow that line.
        lines = np.array([d["t"] - d["frame"] for d in draws])
        assert np.percentile(np.abs(lines - np.median(lines)), 95) < 0.02
        assert (await page.evaluate("sophia.log.at(-1)"))["mouth"] <= 0.02
        await page.close()


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A question for the microphone: a second of silence, and she may answer."""
    path = tmp_path_factory.mktemp("microphone") / "question.wav"
    sound = np.concatenate([np.zeros(48000, np.int16), bite("okay", 48000), np.zeros(48000 * 4, np.int16)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(sound.tobytes())
    return path


async def test_a_question_arrives_as_it_was_said_and_its_answer_as_soon_as_it_is_there(
    question: Path, double: Double
) -> None:
    async def script(talk: Talk) -> None:
        def asked() -> bool:  # a voice detector with the patience of 0.3 s
            loud = np.flatnonzero(np.abs(talk.microphone.astype(np.int32)) > 600)
            return len(loud) > 0 and len(talk.microphone) - loud[-1] > 0.3 * 16000

        await talk.until(asked)
        seen = len(talk.microphone)
        talk.face("a", 2.0)
        await talk.say("a", SHORT)
        assert len(talk.microphone) - seen > 0.5 * 16000, "the microphone goes on while she speaks"

    async with browsing(question) as browser:
        got = await talked(browser, double, script, "a")
    talk = double.talks[0]
    # The page's reports tell the server when its first sample was heard; the two ledgers agree.
    reports = [e for e in talk.heard if e["type"] == "sophia.playout.position" and e["playing"]]
    ledger = min(e["received"] - e["audio_ms"] / 1000 for e in reports) - talk.spoken_from
    page = got.out.audible()[0] + got.latency - microphone_time(got)
    assert page == pytest.approx(ledger, abs=agreement())
