"""What people see of the page, in a real Chromium: accessibility, fit, keys, no 3-D, strict content policy.

The page plays the script of ``aurora/web/dev``. It draws without WebGL here, so the ring stands for the face.
``PAGE_MATRIX=full`` tries every state at both sizes, in both themes, and every size.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_site import serving
from page_visits import READY, chromium, until, visiting

AURORA = Path(__file__).parents[3] / "aurora"
FIT = (Path(__file__).parent / "page_fit.js").read_text("utf-8")
PLAY = """events => {
    sophia.page.state = { ...sophia.page.state, session: 'idle', mic: 'off', sound: 'on', face: 'none', use: 'talk' };
    sophia.page.tell({ type: 'end' });
    const more = { retry: { in: 4, attempt: 2, of: 6 }, places: 8, service: 'llm' };
    for (const type of events) sophia.page.tell({ type, ...more });
}"""
LONG_WAITS = """() => {
    sophia.page.talk.numbers.big('waiting', 12345);
    for (const id of ['p50', 'p95', 'budget']) document.getElementById(`fig-${id}`).textContent = '3,802';
}"""
FULL = os.environ.get("PAGE_MATRIX") == "full"

pytestmark = pytest.mark.timeout(900 if FULL else 120)

SIZES = [
    (320, 568), (360, 740), (390, 844), (768, 1024), (844, 390), (1024, 768), (1280, 800), (1440, 900), (1920, 1080),
    (2560, 1440),
]  # fmt: skip

LIVE = ["talk", "granted", "open"]
STATES: dict[str, list[str]] = {
    "idle": [],
    "permission": ["talk"],
    "connecting": ["talk", "granted"],
    "reconnecting": [*LIVE, "lost"],
    "full": ["talk", "granted", "full"],
    "insecure": ["insecure"],
    **{why: ["talk", why] for why in ("denied", "nomic", "busy")},
    **{why: [*LIVE, why] for why in ("gone", "moved", "key", "refused")},
    **{floor: [*LIVE, floor] for floor in ("hearing", "thinking", "speaking")},
    **{floor: [*LIVE, "speaking", floor] for floor in ("ducked", "paused", "interrupted")},
    "muted": [*LIVE, "mute"],
    "silent": [*LIVE, "silent"],
    "microphone lost": [*LIVE, "unplugged"],
    "sound held back": [*LIVE, "blocked"],
    "service": [*LIVE, "service"],
    "written": ["type", "open"],
    "watching": ["watch", "open"],
    "drawing is slow": ["load", "ready", "slow"],
    "no 3-D": ["load", "flat"],
    "face broken": ["load", "broken"],
}
A_FEW = ("idle", "reconnecting", "denied", "speaking", "muted", "written", "watching")


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(AURORA) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def play(page: Any, events: list[str]) -> None:
    """Leads the page's machine from its start through ``events``."""
    page.evaluate(PLAY, events)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_state_is_accessible(browser: Any, site: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    rules = {"runOnly": tags, "resultTypes": ["violations"], "preload": False}
    found: list[str] = []
    with visiting(browser, f"{site}/web/dev/?turns=4&at=24.05", color_scheme=theme, reduced_motion="reduce") as page:

        def look(name: str) -> None:
            for violation in axe.run(page, options=rules).response["violations"]:
                for node in violation["nodes"]:
                    found.append(f"{name}: {violation['id']}: {node['html'][:120]} {node['failureSummary'][:300]}")

        for width, height in [(1280, 800), (390, 844)]:
            page.set_viewport_size({"width": width, "height": height})
            for panel in ("settings", "latency"):
                if FULL or (panel == "settings") == (width < 900):
                    page.evaluate("name => sophia.page.panels.show(name)", panel)
                    look(f"{panel} {width}")
            page.evaluate("name => sophia.page.panels.show(name)", "latency" if width > 900 else "none")
            for name, events in STATES.items():
                if FULL or (name in A_FEW and (width < 900) == (A_FEW.index(name) % 2 == 0)):
                    play(page, events)
                    look(f"{name} {width}")
    assert not found, "\n".join(found)


def test_nothing_lies_outside_or_on_another(browser: Any, site: str) -> None:
    found: list[str] = []
    with visiting(browser, f"{site}/web/dev/?turns=4&at=24.05", reduced_motion="reduce") as page:
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("wide => sophia.page.panels.show(wide ? 'latency' : 'none')", width > 900)
            for name in STATES if FULL else A_FEW:
                play(page, STATES[name])
                page.evaluate(LONG_WAITS)
                found += [f"{width} x {height}, {name}: {what}" for what in page.evaluate(FIT)]
            page.evaluate("sophia.page.panels.show('settings')")
            found += [f"{width} x {height}, settings: {what}" for what in page.evaluate(FIT)]
    assert not found, "\n".join(found)


def test_keys_do_what_the_list_says(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/?at=6") as page:
        root = page.locator("html")
        press = page.keyboard.press
        press("s")
        assert root.get_attribute("data-panel") == "settings"
        assert page.evaluate("document.activeElement.closest('#settings') !== null")
        press("Escape")
        assert root.get_attribute("data-panel") == "latency"
        press("l")
        assert root.get_attribute("data-panel") == "none"
        press("l")
        press("c")
        assert root.get_attribute("data-captions") == "l"
        press("m")
        assert page.inner_text("#mic-word") == "Unmute"
        assert "muted" in page.inner_text("#notices")
        press("m")
        press("w")
        assert page.evaluate("document.activeElement.id") == "text"
        page.keyboard.type("time")
        assert page.input_value("#text") == "time", "letters in a field are letters"
        page.focus("#talk")
        press("?")
        assert page.is_visible("#help")
        press("Escape")
        page.focus("[data-id=capture]")
        press("ArrowDown")
        assert page.evaluate("document.activeElement.dataset.id") == "asr"
        assert "until your words were known" in page.inner_text(".readout")
        press("Escape")
        assert page.inner_text("#word") == "Stopped for you"
        page.evaluate("sophia.page.settings.set('keys', 'off')")
        press("t")
        assert page.inner_text("#word") == "Stopped for you", "single keys are switched off"
        page.evaluate("sophia.page.settings.set('keys', 'on')")
        press("t")
        page.locator("#word:text-is('Ready')").wait_for()


def test_without_3d_the_ring_stands_there_and_captions_go_on(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/") as page:
        until(page, "!document.getElementById('notices').hidden")
        assert "No 3-D" in page.inner_text("#notices")
        assert page.is_visible("#ring")
        assert not page.is_visible("#face")
        page.click("#talk")
        until(page, "document.getElementById('word').textContent === 'Speaking'")
        until(page, "document.querySelectorAll('.her .heard').length > 5")
        heard = "[...document.querySelectorAll('.her .heard')].map(one => one.textContent).join('')"
        assert page.evaluate(heard).startswith("I’m Sophia. You talk,")
        page.click("#talk")
        assert page.inner_text("#word") == "Ready"


def test_unheard_words_are_struck_and_stay_so(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/?at=24.05") as page:
        assert "Every night she" in page.inner_text(".captions .her")
        struck = page.evaluate("[...document.querySelectorAll('.her .unheard')].map(one => one.textContent).join('')")
        assert struck.startswith(" Every night she counted the ships")
        page.click("#turns button")
        assert page.inner_text("#turns s").startswith("Every night she counted")
        assert "cut off" in page.inner_text("#turns button")


def test_words_do_not_move_when_a_clause_is_added(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/?at=3.5") as page:
        places = "[...document.querySelectorAll('.her .heard')].map(one => one.getBoundingClientRect().left)"
        before = page.evaluate(places)
        assert before
        for to in (3.8, 4.1, 4.6):
            page.evaluate("to => { sophia.page.session.seek(to) }", to)
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            assert page.evaluate(places)[: len(before)] == pytest.approx(before, abs=0.5)


def test_a_new_turn_clears_her_last_words(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/?at=8.2") as page:
        assert "with a face." in page.inner_text(".captions .her")
        page.evaluate("sophia.page.session.seek(9.8)")
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert "What" in page.inner_text(".captions .you")
        assert page.inner_text(".captions .her .words") == ""


def test_who_cannot_speak_writes(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/") as page:
        page.click("#second")
        page.wait_for_selector("#say:not([hidden])")
        assert not page.is_visible("#mic")
        page.fill("#text", "Good morning")
        page.press("#text", "Enter")
        until(page, "document.querySelector('.captions .you').textContent.includes('Good morning')")
        until(page, "document.querySelector('.her .heard')?.textContent === 'You'")
        assert page.input_value("#text") == ""


def test_a_button_that_goes_leaves_the_focus_where_one_can_go_on(browser: Any, site: str) -> None:
    focused = "document.activeElement.id"
    with visiting(browser, f"{site}/web/dev/") as page:
        page.focus("#second")
        page.keyboard.press("Enter")
        until(page, f"{focused} === 'text'")
    with visiting(browser, f"{site}/web/dev/?at=6") as page:
        page.keyboard.press("m")
        page.focus("#notices button")
        page.keyboard.press("Enter")
        assert page.inner_text("#mic-word") == "Mute"
        assert page.evaluate(focused) == "mic"


def test_words_run_in_their_own_direction_and_break_where_they_must(browser: Any, site: str) -> None:
    said = """text => {
        const { talk } = sophia.page;
        talk.captions.clear();
        talk.tell({ type: 'turn', turn: 900 });
        talk.tell({ type: 'reply', item: 'new', turn: 900, words: [{ text, start: 0, end: 1 }] });
        talk.turns.replyOf('new').hear(1);
        talk.captions.show(talk.turns.replyOf('new'));
        talk.captions.draw();
        const line = document.querySelector('.her .line'), { width } = line.firstChild.getBoundingClientRect();
        return [getComputedStyle(line).direction, width <= line.parentElement.clientWidth + 1];
    }"""
    for text, direction in (("مرحبا، أنا صوفيا (25).", "rtl"), ("a" * 400, "ltr")):
        with visiting(browser, f"{site}/web/dev/?at=6") as page:
            assert page.evaluate(said, text) == [direction, True]


def test_settings_outlast_a_visit_and_need_no_storage(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/") as page:
        page.click("#open-settings")
        page.check("[name=theme][value=dark]", force=True)
        page.fill("#lips", "120")
        assert page.inner_text("#lips-out") == "+120 ms"
        page.reload(wait_until="commit")
        until(page, READY)
        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert page.input_value("#lips") == "120"
    with visiting(browser, f"{site}/web/dev/") as page:
        page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('none'); } });")
        page.reload(wait_until="commit")
        until(page, READY)
        page.click("#open-settings")
        page.check("[name=theme][value=dark]", force=True)
        assert page.locator("html").get_attribute("data-theme") == "dark"


def test_forced_colours_leave_everything_to_be_seen(browser: Any, site: str) -> None:
    with visiting(browser, f"{site}/web/dev/?turns=3&at=6", forced_colors="active") as page:
        width = page.evaluate("getComputedStyle(document.getElementById('talk')).borderTopWidth")
        assert width == "1px"
        fill = page.evaluate("getComputedStyle(document.querySelector('.tile.asr')).backgroundColor")
        assert fill not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")


BUILT = "!!globalThis.sophia?.page"
INDEX = ("text/html; charset=utf-8", (AURORA / "web" / "static" / "index.html").read_bytes())
INFO = {
    "name": "Sophia", "host": "spark-1", "watch": False, "budget_ms": 700, "secure_url": None, "key_needed": False,
    "model": {"url": "/model", "light_url": None, "kind": "glb", "name": "sophia", "missing": ["tongueOut"]},
}  # fmt: skip


def test_the_built_page_opens(browser: Any) -> None:
    answers = {"/": INDEX, "/page.json": ("application/json", json.dumps(INFO).encode())}
    with serving(AURORA / "web", answers) as site, visiting(browser, site, BUILT) as page:
        assert page.inner_text("#word") == "Ready"
        assert page.inner_text("#where") == "spark-1"
        assert page.inner_text("#fig-budget") == "700"
        assert page.is_visible("#ring")
        page.click("#open-settings")
        assert page.is_visible("#headphones")


def test_a_server_with_a_key_that_the_page_has_not_is_said_so(browser: Any) -> None:
    answers = {"/": INDEX, "/page.json": ("application/json", json.dumps({**INFO, "key_needed": True}).encode())}
    with serving(AURORA / "web", answers) as site:
        with visiting(browser, site, BUILT) as page:
            assert page.inner_text("#says") == "This server asks for its key."
        with visiting(browser, f"{site}/#key=abc", BUILT) as page:
            assert page.inner_text("#word") == "Ready"
            assert page.url == f"{site}/"


def test_a_server_that_tells_nothing_of_itself_is_not_connected(browser: Any) -> None:
    answers = {"/": INDEX, "/page.json": ("text/plain", b"gone")}
    with serving(AURORA / "web", answers) as site, visiting(browser, site, BUILT) as page:
        assert page.inner_text("#word") == "Not connected"
        assert page.inner_text("#talk-word") == "Connect again"
