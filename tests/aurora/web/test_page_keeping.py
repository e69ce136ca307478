"""What a user lets the server keep, on the page: chosen before talking, shown by a sign, and taken back by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_site import serving
from page_visits import chromium, visiting

AURORA = Path(__file__).parents[3] / "aurora"
FIT = (Path(__file__).parent / "page_fit.js").read_text("utf-8")
SIZES = [(320, 568), (390, 844), (844, 390), (1280, 800), (1920, 1080)]
RED = "rgb(179, 38, 30)"
"""``--bad`` of the light theme."""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(AURORA) as site:
        yield f"{site}/web/dev/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


def chosen(page: Any) -> str:
    value: str = page.evaluate("document.querySelector('[name=keep]:checked').value")
    return value


def sign(page: Any) -> str:
    return str(page.inner_text("#recording-word")) if page.is_visible("#recording") else ""


def test_a_server_that_keeps_numbers_alone_asks_nobody(browser: Any, address: str) -> None:
    with visiting(browser, address) as page:
        assert not page.is_visible("#keep")
        page.evaluate("sophia.page.act('talk')")
        assert page.evaluate("sophia.page.session.consent") is None
        assert sign(page) == ""


def test_a_user_chooses_talks_under_a_red_sign_and_stops_it(browser: Any, address: str) -> None:
    with visiting(browser, f"{address}?consent=numbers&at=6.4&theme=light") as page:
        page.evaluate("sophia.page.act('end')")
        assert chosen(page) == "numbers", "nobody is recorded without a choice"
        page.click("#keep label:has([value=sound])")
        assert "red sign" in page.inner_text("#keep-help")
        page.evaluate("sophia.page.act('talk')")
        assert sign(page) == "Recording"
        assert not page.is_visible("#keep")
        assert page.evaluate("getComputedStyle(document.querySelector('#recording i')).backgroundColor") == RED
        page.click("#recording")
        assert sign(page) == ""
        assert page.inner_text("#status") == "Nothing but numbers is kept any more."
        page.evaluate("sophia.page.act('end')")
        assert chosen(page) == "numbers", "who stopped it has chosen"


def test_the_choice_is_not_remembered_for_the_next_user(browser: Any, address: str) -> None:
    with visiting(browser, f"{address}?consent=numbers") as page:
        page.click("#keep label:has([value=words])")
        page.reload(wait_until="load")
        page.wait_for_selector("#keep")
        assert chosen(page) == "numbers"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_choice_and_sign_fit_and_are_accessible(browser: Any, address: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"], "preload": False}
    found: list[str] = []
    query = "?consent=sound&at=6.4"
    with visiting(browser, address + query, color_scheme=theme, reduced_motion="reduce") as page:
        for event in ("end", "talk"):
            page.evaluate("event => sophia.page.act(event)", event)
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                page.evaluate("wide => sophia.page.panels.show(wide ? 'latency' : 'none')", width > 900)
                assert page.is_visible("#recording" if event == "talk" else "#keep"), (width, height)
                found += [f"{width} x {height}, {event}: {what}" for what in page.evaluate(FIT)]
            for violation in axe.run(page, options=rules).response["violations"]:
                found += [f"{event}: {violation['id']}: {node['html'][:120]}" for node in violation["nodes"]]
    assert not found, "\n".join(found)
