"""A real browser without a screen, with a microphone that plays a file; what was recorded in a page, for Python."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

if TYPE_CHECKING:
    from playwright.async_api import Page

HERE = Path(__file__).parent / "talk"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required", "--disable-background-timer-throttling",
    "--disable-features=LocalNetworkAccessChecks",  # a page that a test put in its place counts as one from far away
)  # fmt: skip


def agreement() -> float:
    """Seconds within which page and server agree on a wait, each on its own clock: a packet of sound.

    On a machine with more to do than cores, messages between them are late by as much as it stutters.
    """
    return 0.020 if os.getloadavg()[0] <= (os.cpu_count() or 1) else 0.25


@dataclass(frozen=True)
class Sound:
    """Sound as an audio context had it: ``t`` is the context time of the first sample."""

    t: float
    rate: int
    pcm: NDArray[np.int16]

    def audible(self, floor: int = 104) -> NDArray[np.float64]:
        """Context times of the samples that can be heard."""
        return self.t + np.flatnonzero(np.abs(self.pcm.astype(np.int32)) >= floor) / self.rate


@dataclass(frozen=True)
class Recorded:
    """All that a test knows of a page: its output and input, its socket's events, what it drew and what it told."""

    latency: float
    out: Sound
    microphone: Sound | None
    wire: list[dict[str, Any]]
    draws: list[dict[str, Any]]
    events: list[dict[str, Any]]
    sent: NDArray[np.int16]
    """What the page sent of its microphone, 16 kHz."""

    def received(self, type: str, item: str) -> float:
        """Context time at which the page got the last event of this type for this item."""
        return [w["t"] for w in self.wire if w["event"]["type"] == type and w["event"].get("item_id") == item][-1]


@asynccontextmanager
async def browsing(microphone: Path | None = None) -> AsyncIterator[Any]:
    """A browser whose microphone plays ``microphone`` once, from when a page asks for it: 48 kHz mono int16."""
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    file = [f"--use-file-for-fake-audio-capture={microphone}%noloop"] if microphone else []
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *file])
        try:
            yield browser
        finally:
            await browser.close()


async def opened(browser: Any, url: str) -> Page:
    """A page at ``url`` with the tap in it."""
    page: Page = await browser.new_page()
    page.set_default_timeout(60_000)
    worklet = json.dumps((HERE / "tap-worklet.js").read_text("utf-8"))
    await page.add_init_script(f"window.tapWorklet = {worklet};")
    await page.add_init_script(path=HERE / "tap.js")
    await page.goto(url, wait_until="commit")
    await page.wait_for_function("window.sophia")
    return page


async def settled(page: Page) -> None:
    """Waits until her mouth is at rest, and the recording holds silence enough to judge by."""
    last = await page.evaluate("tap.until()")
    await page.wait_for_function(
        "from => sophia.log.at(-1)?.mouth <= 0.02 && tap.until() > from + 0.15", arg=last, polling=50
    )


async def recorded(page: Page) -> Recorded:
    """What the tap and the page's log hold by now."""
    told = await page.evaluate("({...tap.collect(), draws: sophia.log, events: sophia.events ?? []})")

    def sound(part: dict[str, Any] | None) -> Sound | None:
        return part and Sound(part["t"], int(told["rate"]), np.frombuffer(base64.b64decode(part["pcm"]), np.int16))

    out = sound(told["out"])
    assert out is not None
    sent = np.frombuffer(b"".join(map(base64.b64decode, told["sent"])), np.int16)
    draws = [entry for entry in told["draws"] if entry["kind"] == "draw"]
    return Recorded(told["latency"], out, sound(told["in"]), told["wire"], draws, told["events"], sent)
