"""The page of docs/realtime.md, as it stands there, in a real Chromium: it talks, hears, and interrupts."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from page_browser import browsing
from page_house import house
from test_page_with_server import user

pytest.importorskip("aiortc", reason="the extra webrtc is not installed")

DOC = Path(__file__).parents[3] / "docs" / "realtime.md"
ATTEMPTS = 3
"""Where a busy machine is so late that the second question is not said over the answer, it may try again."""

PAUSED = 700
"""Milliseconds before an interruption is told in which she was paused already, for the user spoke."""

MEASURE = """
globalThis.got = []; globalThis.levels = [];
events.addEventListener("message", ({ data }) => got.push({ ...JSON.parse(data), at: performance.now() }));
globalThis.call = call;
const context = new AudioContext(), analyser = context.createAnalyser(), block = new Float32Array(1024);
analyser.fftSize = 1024;
call.addEventListener("track", ({ streams }) => context.createMediaStreamSource(streams[0]).connect(analyser));
setInterval(() => {
  analyser.getFloatTimeDomainData(block);
  levels.push([performance.now(), Math.sqrt(block.reduce((sum, x) => sum + x * x, 0) / block.length)]);
}, 10);
"""

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def example():
    """The page's script; what measures it stands before the offer."""
    (script,) = re.findall(r"```js\n(const call = .*?)```", DOC.read_text("utf-8"), re.DOTALL)
    assert len(script.splitlines()) == 15
    before, offer, after = script.partition("await call.setLocalDescription")
    return f"async () => {{ const secret = 'none';\n{before}{MEASURE}{offer}{after} return answer.status; }}"


async def talked(browser, address):
    """What the page got, how loud it was, what it said to the console, and what the browser counted."""
    context = await browser.new_context(ignore_https_errors=True)
    page, said = await context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(f"{address}healthz")
    assert await page.evaluate(example()) == 201
    async with asyncio.timeout(60):
        while not await page.evaluate("got.some(e => e.type === 'output_audio_buffer.stopped')"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    got, levels = await page.evaluate("[got, levels]")
    stats = await page.evaluate("call.getStats().then(all => [...all.values()].find(s => s.type === 'inbound-rtp'))")
    await context.close()
    return got, levels, said, stats


async def test_the_page_of_the_docs_talks_hears_and_interrupts(tmp_path, pki):
    async with house(tmp_path, pki) as address:
        for _ in range(ATTEMPTS):
            async with browsing(user(tmp_path)) as browser:
                got, levels, said, stats = await talked(browser, address)
            if any(event["type"] == "output_audio_buffer.cleared" for event in got):
                break
    of = {event["type"]: [one for one in got if one["type"] == event["type"]] for event in got}
    assert "error" not in of
    assert "response.output_audio.delta" not in of
    assert any(event["sophia"]["heard"] for event in of["conversation.item.truncated"])
    # What she said was heard, and while the user spoke she was silent. Then she answered that.
    began, cleared = of["output_audio_buffer.started"][0]["at"], of["output_audio_buffer.cleared"][-1]["at"]
    assert max(level for at, level in levels if began < at < cleared) > 0.05
    assert min(level for at, level in levels if cleared - PAUSED < at < cleared) < 0.001
    assert max(level for at, level in levels if at > cleared) > 0.05
    assert stats["packetsReceived"] > 100
    assert [line for line in said if line.startswith("sophia: ")]
