"""Visits to the page without graphics: a real Chromium in which the ring stands for her face."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from page_browser import CHROMIUM

FLAGS = [
    "--no-sandbox", "--disable-3d-apis", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
]  # fmt: skip
READY = "!!globalThis.sophia?.page && document.documentElement.dataset.ready === 'true'"


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser that draws no 3-D; skips with a reason where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def until(page: Any, condition: str) -> None:
    """Waits for a JavaScript expression to be true. Playwright's own waiting needs ``eval``: forbidden here."""
    end = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(30)


@contextmanager
def visiting(browser: Any, address: str, ready: str = READY, **context: Any) -> Iterator[Any]:
    """A page; whatever it says to the console, or throws, is a failure."""
    said: list[str] = []
    visit = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
    visit.set_default_timeout(60_000)
    page = visit.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text} {message.location.get('url', '')}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.goto(address, wait_until="commit")
    until(page, ready)
    yield page
    visit.close()
    assert not said, "\n".join(said)
