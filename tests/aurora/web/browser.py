"""Chromium, as many as a test wants, each with flags of its own; skipped with a reason where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from page_browser import CHROMIUM, FLAGS


@contextmanager
def chromiums() -> Iterator[Callable[..., Any]]:
    """A function that starts browsers (``playwright.sync_api.Browser``) with flags beside the usual ones."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver, ExitStack() as open_ones:

        def launch(*flags: str) -> Any:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
            open_ones.callback(browser.close)
            return browser

        yield launch
