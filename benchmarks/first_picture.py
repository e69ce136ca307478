"""How long after she is opened in a browser she can be seen, over plain loopback: Chromium without a screen.

Each visit is a browser context of its own, so nothing is kept from the one before. Milliseconds from when the page was
asked for: its script runs, the drawing code is there, her head is there, the stage is ready, the first picture is on
the page. ``page`` and later are marks of the page itself; a picture counts when the frame after it begins.

    python -m benchmarks.first_picture
    python -m benchmarks.first_picture --gpu --visits 20 --json picture.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from aiohttp import web

from pipelines.machine.environment import environment
from pipelines.server.access import Access, Refusal
from pipelines.server.app import make_app
from pipelines.server.files import Page
from pipelines.server.head import Head
from pipelines.server.listener import listening
from pipelines.server.place import Place

SOFTWARE = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
FLAGS = ("--no-sandbox", "--ignore-gpu-blocklist", "--disable-background-networking", "--disable-component-update")
LONGEST = 60.0
"""Seconds for one visit."""

SEEN = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (globalThis.sophia?.page.state.face !== 'shown') await frame();
  const ready = performance.now();
  const { renderer } = sophia.page.face.stage;
  while (!renderer.info.render.frame) await frame();
  const gl = renderer.getContext();
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits until all is drawn
  const picture = performance.now();
  const came = Object.fromEntries(
    performance.getEntriesByType('resource').map(e => [new URL(e.name).pathname, e.responseEnd]));
  return {
    driver: gl.getParameter(gl.getExtension('WEBGL_debug_renderer_info').UNMASKED_RENDERER_WEBGL),
    ms: { page: came['/page.json'], code: came['/static/stage.js'], head: came['/model'], ready, picture },
  };
}"""


class Nobody:
    """A server that has nothing to talk about."""

    def refusal(self, request: web.Request) -> Refusal | None:
        return None

    async def visit(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        await socket.close()


async def measure(visits: int, gpu: bool, size: tuple[int, int]) -> dict[str, Any]:
    from playwright.async_api import async_playwright  # noqa: PLC0415 - a part of the developers' set

    place = Place("127.0.0.1", 0, "127.0.0.1", None, None, Access(["localhost"]))
    head = await Head.chosen(None)
    facts = {
        "name": "Sophia", "host": "", "watch": False, "budget_ms": 800, "secure_url": None, "key_needed": False,
        "model": head.facts(),
    }  # fmt: skip
    app = make_app(place.access, Page.built(), head.asset, lambda request: facts, Nobody())
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    took: list[dict[str, float]] = []
    driver = ""
    async with listening(app, place) as port, async_playwright() as playwright:
        flags = FLAGS if gpu else (*FLAGS, *SOFTWARE)
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(flags))
        for _ in range(visits + 1):  # the first one fills the server's store of packed files, and the disk's
            context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, bypass_csp=True)
            page = await context.new_page()
            async with asyncio.timeout(LONGEST):
                await page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
                seen = await page.evaluate(SEEN)
            took.append(seen["ms"])
            driver = seen["driver"]
            print(" ".join(f"{name} {ms:.0f}" for name, ms in seen["ms"].items()), flush=True)
            await context.close()
        await browser.close()
    return {
        "machine": {**environment(), "load": os.getloadavg()[0], "browser": browser.version, "drawn_by": driver},
        "playwright": version("playwright"),
        "viewport": size,
        "visits": visits,
        "ms": {name: spread([one[name] for one in took[1:]]) for name in took[0]},
    }


def spread(values: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(np.array(values), [50, 95])
    return {"p50": round(float(p50)), "p95": round(float(p95)), "least": round(min(values))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=9)
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 800), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--gpu", action="store_true", help="let a graphics card draw, not the processor (SwiftShader)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    results = uvloop.run(measure(args.visits, args.gpu, tuple(args.size)))
    print(json.dumps(results))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
