"""The built page and the real session, against a server that says what a test tells it: from the wire to the eye."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web
from page_browser import browsing
from page_double import Double, Talk

STATIC = Path(__file__).parents[3] / "aurora" / "web" / "static"
INFO = {
    "name": "Sophia", "host": "spark-1", "watch": False, "budget_ms": 400, "secure_url": None, "key_needed": False,
    "model": None,
}  # fmt: skip
PARTS = {
    "capture": 10,
    "asr": 200,
    "endpointing": 0,
    "llm": 80,
    "tools": 20,
    "clause": 40,
    "tts": 60,
    "hold": 80,
    "playout": 10,
}
ANSWER = ["It", "is", "a", "fine", "big", "day."]
CHAIN = ("captured", "transcript", "started", "first_token", "first_word", "first_clause", "first_audio", "released",
         "played")  # fmt: skip

WATCH = """() => {
    globalThis.revealed = [];
    const { talk } = sophia.page;
    const tick = talk.tick.bind(talk);
    talk.tick = moment => {
        tick(moment);
        if (!moment.position) return;
        revealed.push([moment.position.seconds, document.querySelectorAll('.her .heard').length]);
    };
}"""
"""Notes with each picture what is heard, and how many of her words are seen."""

pytestmark = [pytest.mark.timeout(150), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with browsing() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def double() -> AsyncIterator[Double]:
    """The double behind the page as it is built."""
    server, app = Double(), web.Application()
    served = {"Cache-Control": "no-store"}

    async def file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / request.match_info.get("name", "index.html"), headers=served)

    async def info(request: web.Request) -> web.Response:
        return web.json_response(INFO | server.facts)

    app.add_routes([web.get("/", file), web.get("/static/{name}", file), web.get("/page.json", info)])
    app.add_routes([web.get("/v1/realtime", server.realtime)])
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    server.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/"  # type: ignore[attr-defined]
    yield server
    await runner.cleanup()
    server.check()


async def until(page: Any, condition: str) -> None:
    """Waits for a JavaScript expression to be true. Playwright's own waiting needs ``eval``: forbidden here."""
    async with asyncio.timeout(60):
        while not await page.evaluate(condition):  # noqa: ASYNC110 - a page calls nobody
            await asyncio.sleep(0.03)


async def opened(browser: Any, double: Double) -> Any:
    page = await browser.new_page()
    page.set_default_timeout(60_000)
    await page.goto(double.url, wait_until="commit")
    await until(page, "!!globalThis.sophia?.page")
    return page


async def a_turn(talk: Talk) -> None:
    """The user asks; she answers six words in one and a half seconds, and is not cut off."""
    item, turn = "item_a", 1
    talk.send("sophia.floor", state="hearing", at_ms=talk.now_ms)
    talk.send("sophia.turn.decision", turn=turn, generation=0, decision="begin", reason="a voice", at_ms=talk.now_ms)
    talk.send("sophia.transcript", item_id="item_u", turn=turn, text="what is it", sure=8)
    zero = talk.now_ms
    talk.send("sophia.turn.mark", turn=turn, generation=0, mark="voice_end", at_ms=zero)
    talk.send("sophia.floor", state="thinking", at_ms=talk.now_ms)
    at = zero
    for mark, part in zip(CHAIN, PARTS.values(), strict=True):
        at += part
        talk.send("sophia.turn.mark", turn=turn, generation=1, mark=mark, at_ms=at)
    talk.send("response.created", response={"id": "r", "object": "realtime.response"}, sophia={"turn": 1})
    talk.send("response.output_item.added", response_id="r", item={"id": item, "type": "message"}, sophia={"turn": 1})
    words = [[f"{' ' if k else ''}{word}", 250 * k, 250 * k + 200] for k, word in enumerate(ANSWER)]
    talk.send("sophia.words", item_id=item, words=words)
    talk.send("sophia.floor", state="speaking", at_ms=talk.now_ms)
    tone = (8000 * np.sin(np.arange(36000) / 12)).astype(np.int16)
    await talk.say(item, tone)
    await talk.until(lambda: any(e["type"] == "sophia.playout.position" and not e["playing"] for e in talk.heard))
    talk.send("sophia.floor", state="listening", at_ms=talk.now_ms)
    talk.send(
        "sophia.turn.ledger", turn=turn, user="What is it?", heard="It is a fine big day.", outcome="replied",
        voice_to_voice_ms=sum(PARTS.values()), contributions=PARTS, marks={}, zero_at_ms=zero, decisions=[],
        lip_skew_ms=None, face_missing=None, trace_id="0123456789abcdef" * 2, item_ids=[item],
    )  # fmt: skip


async def test_a_turn_is_seen_as_it_goes_on(browser: Any, double: Double) -> None:
    double.script = a_turn
    page = await opened(browser, double)
    await page.evaluate(WATCH)
    await page.click("#talk")
    await until(page, "document.querySelector('.you .unsure')?.textContent === 'it'")
    await page.wait_for_selector("#turns button")
    assert await page.inner_text("#fig-last") == "500"
    assert await page.inner_text("#turn-tag") == "100 ms over budget"
    assert await page.inner_text("#trace") == "trace 01234567"
    await until(page, "document.querySelectorAll('.her .heard').length === 6")
    revealed = await page.evaluate("revealed")
    assert revealed, "something was drawn while she spoke"
    assert all(shown == sum(0.25 * k <= at for k in range(6)) for at, shown in revealed), revealed
    rows = await page.evaluate("[...document.querySelectorAll('.plot .value:not(.lane)')].map(one => one.textContent)")
    assert rows == [str(part) for part in PARTS.values()]
    assert await page.evaluate("sophia.page.talk.turns.list[0].voices.some(one => one.her > 0.1)"), "her lane has sound"
    await page.close()


async def test_a_broken_connection_comes_back(browser: Any, double: Double) -> None:
    async def leave(talk: Talk) -> None:
        if len(double.talks) == 1:
            await talk._socket.close(code=1011)

    double.script = leave
    page = await opened(browser, double)
    await page.click("#talk")
    await until(page, "document.querySelector('#says').textContent === 'The connection broke.'")
    await until(page, "document.querySelector('#word').textContent === 'Listening'")
    assert len(double.talks) == 2
    await until(page, "performance.now() - sophia.page.scene.changed > 400")  # sooner, a press may not be meant
    await page.click("#talk")
    assert await page.inner_text("#word") == "Ready"
    await page.close()


async def test_a_conversation_that_is_over_when_the_page_would_watch_it_is_no_failure(
    browser: Any, double: Double
) -> None:
    double.facts = {"watch": True}
    double.refusal = {"code": "nothing_to_watch", "message": "There is no conversation to watch here."}
    page = await opened(browser, double)
    await until(page, "document.querySelector('#word').textContent === 'Ready'")
    assert await page.inner_text("#second") == "Write instead"
    await page.close()


async def test_who_watched_sees_the_next_conversation(browser: Any, double: Double) -> None:
    async def end(talk: Talk) -> None:
        if len(double.talks) == 1:
            error = {"code": "conversation_over", "message": "The conversation that was watched is over."}
            await talk._socket.send_json({"type": "error", "event_id": "e", "error": error})
            await talk._socket.close(code=1000)

    double.facts = {"watch": True}
    double.script = end
    page = await opened(browser, double)
    await until(page, "document.querySelector('#word').textContent === 'Ready'")
    await until(page, "document.querySelector('#word').textContent !== 'Ready'")
    await until(page, "sophia.page.state.session === 'watching'")
    assert len(double.talks) == 2
    await page.close()


async def test_written_words_reach_the_server(browser: Any, double: Double) -> None:
    async def quiet(talk: Talk) -> None:
        await talk.until(lambda: any(event["type"] == "response.create" for event in talk.heard))
        talk.send("sophia.turn.decision", turn=1, generation=1, decision="begin", reason="typed", at_ms=talk.now_ms)

    double.script = quiet
    page = await opened(browser, double)
    await page.click("#second")
    await page.fill("#text", "Good morning")
    await page.press("#text", "Enter")
    await until(page, "document.querySelector('.captions .you').textContent.includes('Good morning')")
    items = [event["item"] for event in double.talks[0].heard if event["type"] == "conversation.item.create"]
    assert items[0]["content"] == [{"type": "input_text", "text": "Good morning"}]
    assert not len(double.talks[0].microphone), "nobody listens to who writes"
    await page.close()
