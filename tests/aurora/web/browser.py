"""A real Chromium with a page of ours in it, bundled for the test; skipped with a reason where something is missing."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
WEB = ROOT / "aurora" / "web"
ESBUILD = WEB / "node_modules" / ".bin" / "esbuild"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' blob: ws: wss:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'"
)
"""What the server allows the page, but for styles: the tests resize their canvas."""

FLAGS = (
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""WebGL by software, and nothing sent anywhere."""


def needed() -> None:
    """Skips the test where Chromium, Playwright or the page's tools are missing."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    if not ESBUILD.exists() or shutil.which("node") is None:
        pytest.skip("the page's tools are not installed (npm ci in aurora/web)")


def bundle(entry: Path, to: Path) -> None:
    """One file of ``entry`` and all that it imports."""
    modules = {"NODE_PATH": str(WEB / "node_modules"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    command = [ESBUILD, entry, "--bundle", "--format=esm", f"--outfile={to}", "--log-level=warning"]
    subprocess.run(command, check=True, env=modules, timeout=60)


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder at an address on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def chromiums() -> Iterator[Callable[..., Any]]:
    """A function that starts browsers without a window (``playwright.sync_api.Browser``) with flags beside ours."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, ExitStack() as open_ones:

        def launch(*flags: str) -> Any:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
            open_ones.callback(browser.close)
            return browser

        yield launch
