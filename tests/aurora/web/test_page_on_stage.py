"""The finished page, her head on its stage, against the real server: judged by the page's own log of what it drew.

A picture is made for one instant. The page looks at what is heard, and poses her for it. The gates hold for that
instant, on the clock of the sound, and ``window.sophia.log`` has it. What drawing takes then is not in it: here the
processor draws, and needs as long as the machine is busy. So a slow machine makes fewer pictures, and none of them is
wrong. Where the sound is, nobody asks the page: each stretch of her voice is looked for in what its audio context gave.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from page_browser import HERE, Recorded, browsing, opened, recorded
from page_house import BITES, house, told
from page_judge import REST, jaw, moving_after, silence_after, silencing, skew, stale

from sophia.wav import read_wav

RATE = 16_000
SILENT_WITHIN, REST_WITHIN = 0.020, 0.150

pytestmark = [pytest.mark.services, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]

SHOWN = "sophia.page.state.face === 'shown'"
LIVE = "sophia.page.state.session === 'live'"
SPEAKING = "from => sophia.page.session?.position()?.playing && sophia.page.session.position().seconds > from"
AT_REST = """() => {
    const { page, log } = sophia, silent = !page.session.position()?.playing && !page.parts.performer.share;
    return silent && page.state.floor === 'listening' && tap.until() > log.at(-1)?.clock + 0.1;
}"""
ENOUGH = """() => {
    const position = sophia.page.session?.position();
    return position?.playing && position.seconds > 1 && sophia.log.filter(one => one.share === 1).length >= 8;
}"""
"""She has spoken for a second, and was drawn often enough to be judged, on any machine."""
ENDED = "how => tap.wire.some(one => one.event.outcome === how)"

SMALL = """() => {
    Object.assign(sophia.page.face.canvas.style, { width: '80px', height: '96px' });
    sophia.page.face.stage.resize();
}"""
"""A processor draws a small picture soon."""
AHEAD = """() => {
    const session = { type: 'realtime', sophia: { lead_ms: 1000 } };
    sophia.page.session.socket.send({ type: 'session.update', session });
}"""
"""A second of her sound lies in the page: there is something to fall silent, and a machine may stutter."""

SHIFTED = """() => {
    const { timeline } = sophia.page.session.voice, add = timeline.add;
    timeline.add = (item, start, fps, rows) => add.call(timeline, item, start + 0.1, fps, rows);
}"""
IGNORED = """() => {
    const { voice } = sophia.page.session, take = voice.take, silencing = /playout.clear|item.truncated/;
    voice.take = (event, t) => silencing.test(event.type) ? [] : take.call(voice, event, t);
}"""


@dataclass(frozen=True)
class Logged(Recorded):
    """What a page did, with the page's whole log."""

    log: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self.log if entry["kind"] == kind]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> AsyncIterator[str]:
    async with house(tmp_path_factory.mktemp("house"), pki) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with browsing() as running:
        yield running


@asynccontextmanager
async def visiting(browser: Any, address: str) -> AsyncIterator[Any]:
    """The finished page with her head; whatever it throws is a failure."""
    small = {"width": 320, "height": 568}
    # The tap's worklet comes from a blob; tests/aurora/web/test_page.py holds the page to its content policy.
    context = await browser.new_context(ignore_https_errors=True, bypass_csp=True, viewport=small)
    await context.add_init_script("localStorage.setItem('sophia.quality', 'low');")  # chosen, so never given up as slow
    await context.add_init_script(path=HERE / "person.js")
    page = await opened(context, address)
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    await page.wait_for_function(SHOWN)
    await page.evaluate(SMALL)
    try:
        yield page
    finally:
        await context.close()
    assert not thrown, thrown


async def say(page: Any, name: str) -> None:
    """The user says a soundbite into the microphone."""
    pcm = read_wav(BITES / name, RATE).pcm
    await page.evaluate("([pcm, rate]) => say(pcm, rate)", [base64.b64encode(pcm.tobytes()).decode(), RATE])


async def begin(page: Any, button: str) -> None:
    await page.click(button)
    await page.wait_for_function(LIVE)
    await page.evaluate(AHEAD)


async def write(page: Any, text: str = "Where is my order?") -> None:
    await page.fill("#text", text)
    await page.press("#text", "Enter")


def as_judged(draw: dict[str, Any]) -> dict[str, Any]:
    """A picture of the page's log in the judge's words. One of a mouth that comes to rest belongs to no sound."""
    said = draw["jaw"] if "heard" in draw else None
    return {"now": draw["clock"]} | draw | {"at": draw["clock"], "said": said, "mouth": draw["jaw"]}


async def logged(page: Any) -> Logged:
    """What the page did until now. A picture's mouth is the jaw of the pose that the stage was given."""
    got = await recorded(page)
    log = await page.evaluate("sophia.log")
    draws = [as_judged(d) for d in got.draws]
    return Logged(**vars(replace(got, draws=draws)), log=log)


def lips(got: Recorded, item: str) -> Any:
    """Lips against sound, by the jaw of what was drawn, once the mouth is wholly speech's."""
    return skew(replace(got, draws=[d for d in got.draws if d["share"] == 1 or d.get("item") != item]), item, jaw)


async def test_two_turns_and_a_voice_over_hers(browser: Any, address: str) -> None:
    async with visiting(browser, address) as page:
        await begin(page, "#talk")
        await say(page, "05_story.wav")
        await page.wait_for_function(SPEAKING, arg=1.0)
        await say(page, "02_what_time.wav")
        await page.wait_for_function(ENDED, arg="replied")
        await page.wait_for_function(AT_REST)
        got = await logged(page)
    assert told(got, "sophia.turn.ledger", outcome="interrupted")
    one = told(got, "sophia.playout.clear")[0]["item_id"]
    other = told(got, "response.output_audio.delta")[-1]["item_id"]
    assert one != other
    for item in (one, other):
        assert lips(got, item).good, lips(got, item)
        assert skew(got, item).good, "the time codes that the log tells are those of the poses"
    by = silencing(got, one)
    assert silence_after(got, by, one) <= SILENT_WITHIN
    assert moving_after(got, by, one) <= REST_WITHIN
    assert not stale(got, one)


async def stopped(page: Any, plant: str = "() => {}") -> tuple[Logged, str]:
    """Somebody writes, is answered, and stops her in the middle. What the page did, and the item that was stopped.

    ``plant`` is a fault: JavaScript that runs when the page has connected.
    """
    await begin(page, "#second")
    await page.evaluate(plant)
    await write(page)
    await page.wait_for_function(ENOUGH)
    await page.keyboard.press("Escape")
    await page.wait_for_function("tap.wire.some(one => one.event.type === 'sophia.playout.clear')")
    await page.wait_for_function(AT_REST)
    got = await logged(page)
    return got, told(got, "sophia.playout.clear")[0]["item_id"]


async def test_who_stops_her_hears_and_sees_no_more_of_it(browser: Any, address: str) -> None:
    async with visiting(browser, address) as page:
        got, item = await stopped(page)
    assert lips(got, item).good, lips(got, item)
    assert silence_after(got, "sophia.playout.clear", item) <= SILENT_WITHIN
    assert moving_after(got, "sophia.playout.clear", item) <= REST_WITHIN
    assert not stale(got, item)
    # The log says so by itself, too.
    clear = got.of("clear")[-1]
    after = got.log[got.log.index(clear) :]
    assert got.of("silenced")[-1]["t"] - clear["clock"] <= SILENT_WITHIN
    assert not [entry for entry in after if entry.get("frame") is not None]
    moved = [entry["clock"] for entry in after if entry["kind"] == "draw" and entry["jaw"] > REST]
    assert max(moved, default=0.0) <= clear["clock"] + REST_WITHIN


async def test_a_page_that_is_loaded_anew_in_mid_reply_begins_afresh(browser: Any, address: str) -> None:
    async with visiting(browser, address) as page:
        await begin(page, "#second")
        await write(page)
        await page.wait_for_function(SPEAKING, arg=0.5)
        before = await page.evaluate("sophia.page.session.position().item")
        await page.reload(wait_until="commit")
        # While its server ends the conversation, the page may find it there to be watched; then it has ended.
        await page.wait_for_function(f"window.sophia && {SHOWN} && sophia.page.state.session === 'idle'")
        await begin(page, "#second")
        await write(page)
        await page.wait_for_function(ENOUGH)
        await page.keyboard.press("Escape")
        await page.wait_for_function(AT_REST)
        got = await logged(page)
    items = {entry["event"].get("item_id") for entry in got.wire if "audio.delta" in entry["event"]["type"]}
    assert before not in items
    assert len(items) == 1
    (item,) = items
    assert lips(got, item).good, lips(got, item)
    # Nothing sounded before her new answer came.
    first = next(entry["t"] for entry in got.wire if entry["event"].get("item_id") == item)
    assert got.out.audible()[0] > first


async def test_a_hidden_tab_goes_on_talking_and_comes_back_in_step(browser: Any, address: str) -> None:
    async with visiting(browser, address) as page:
        await begin(page, "#second")
        await write(page)
        await page.wait_for_function(SPEAKING, arg=1.0)
        left = await page.evaluate("look(true), sophia.page.session.position().seconds")
        await page.wait_for_function(SPEAKING, arg=left + 1.2, polling=50)
        back = await page.evaluate("look(false), sophia.page.session.position().seconds")
        await page.wait_for_function(SPEAKING, arg=back + 0.6)
        # Stopped while nobody looks, she is found silent, her mouth at rest.
        await page.evaluate("look(true)")
        await page.evaluate("sophia.page.session.cancel()")
        await page.wait_for_function("sophia.log.at(-1).kind === 'silenced'", polling=50)
        # As long as a mouth takes to close.
        await page.wait_for_function("sophia.page.session.time() > sophia.log.at(-1).clock + 0.15", polling=50)
        await page.evaluate("look(false)")
        await page.wait_for_function(AT_REST)
        got = await logged(page)
    (clear,) = got.of("clear")
    item = clear["item"]
    heard = [entry["heard"] for entry in got.of("draw") if "heard" in entry]
    assert not [at for at in heard if left + 0.1 < at < back - 0.1], "while it was hidden nothing was drawn"
    assert max(heard) > back
    assert lips(got, item).good, lips(got, item)
    assert not stale(got, item)
    after = [entry for entry in got.log[got.log.index(clear) :] if entry["kind"] == "draw"]
    assert after[0]["jaw"] <= REST, "the first picture is that of what is heard: nothing"


async def test_frames_that_are_100_ms_off_are_found(browser: Any, address: str) -> None:
    async with visiting(browser, address) as page:
        got, item = await stopped(page, SHIFTED)
    assert not lips(got, item).good
    assert lips(got, item).mean == pytest.approx(-0.1, abs=0.015)


async def test_a_clear_that_is_ignored_is_found(browser: Any, address: str) -> None:
    async with visiting(browser, address) as page:
        got, item = await stopped(page, IGNORED)
    assert silence_after(got, "sophia.playout.clear", item) > SILENT_WITHIN
    assert moving_after(got, "sophia.playout.clear", item) > REST_WITHIN
    assert stale(got, item)
