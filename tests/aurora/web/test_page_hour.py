"""An hour's talk in the page, played at once: what the page keeps stays bounded.

The script of ``aurora/web/dev`` stands still wherever a test puts its clock. So each round of five turns, forty seconds
long, takes as long as the page needs for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from page_site import serving
from page_visits import chromium, visiting

AURORA = Path(__file__).parents[3] / "aurora"
KEPT = 200
"""Turns that the page lists, as docs/page.md says."""

pytestmark = pytest.mark.timeout(240)

TALK = """([from, to]) => {
    const { page } = sophia, { session, talk } = page;
    for (let t = from; t < to; t += 1) {
        session.seek(t);
        const { floor } = page.state;
        talk.tick({ now: session.now(), position: session.position(), levels: session.levels(), floor });
        for (let picture = 0; picture < 60; picture++) page.note({ kind: 'draw', clock: t });
    }
}"""
COUNTS = """() => {
    const { page } = sophia, { turns, envelope } = page.talk;
    return { log: page.log.length, open: turns.open.size, list: turns.list.length, envelope: envelope.past.length };
}"""


class Held(NamedTuple):
    """What a page holds after rubbish was collected: bytes of its heap, nodes of documents, listeners."""

    heap: int
    nodes: int
    listeners: int


def held(page: Any) -> Held:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    dom = session.send("Memory.getDOMCounters")
    return Held(session.send("Runtime.getHeapUsage")["usedSize"], dom["nodes"], dom["jsEventListeners"])


def test_an_hour_holds_no_more_than_half_of_it() -> None:
    with (
        serving(AURORA) as site,
        chromium() as browser,
        visiting(browser, f"{site}/web/dev/?at=0&head=none&panel=none", reduced_motion="reduce") as page,
    ):
        page.evaluate(TALK, [0, 1800])
        counts, half = page.evaluate(COUNTS), held(page)
        assert counts["list"] == KEPT, "half an hour fills the list"
        page.evaluate(TALK, [1800, 3600])
        assert page.evaluate(COUNTS)["list"] == KEPT
        whole = held(page)
    assert counts["log"] == 5000
    assert counts["open"] <= 8
    assert counts["envelope"] <= 3000
    assert whole.heap < 1.05 * half.heap + 500_000, (half, whole)
    assert whole.nodes < 1.05 * half.nodes, (half, whole)
    assert whole.listeners < 1.05 * half.listeners + 5, (half, whole)
