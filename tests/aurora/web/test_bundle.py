"""What is served is what the sources build: the same bytes, with the licences, small enough for a slow line."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[3] / "aurora" / "web"
STATIC = WEB / "static"
LIMIT = 1_500_000
"""Bytes that the page may send before her head, compressed."""

pytestmark = pytest.mark.timeout(400)


def shell(command: str, cwd: Path) -> str:
    done = subprocess.run(command, shell=True, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def packages() -> Path:
    """The folder of the page's sources with the packages of its lock: there already, or brought by npm."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    installed = WEB / "node_modules" / ".package-lock.json"
    lock = WEB / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return WEB
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, and neither are the page's packages")
    try:
        shell("npm ci --no-audit --no-fund --ignore-scripts", WEB)
    except (AssertionError, subprocess.TimeoutExpired) as failure:
        pytest.skip(f"npm cannot install the page's packages here: {str(failure).strip()[-300:]}")
    return WEB


def test_static_is_the_build_of_the_sources(packages: Path, tmp_path: Path) -> None:
    shell(f"node build.mjs {tmp_path / 'static'}", packages)
    built = {file.name: file.read_bytes() for file in (tmp_path / "static").iterdir()}
    served = {file.name: file.read_bytes() for file in STATIC.iterdir()}
    assert sorted(built) == sorted(served)
    stale = [name for name, content in built.items() if served[name] != content]
    assert not stale, f"{', '.join(stale)}: not what the sources build; run make page"


def test_types_hold(packages: Path) -> None:
    shell("node_modules/.bin/tsc --noEmit", packages)


def test_the_page_is_light() -> None:
    sizes = {file.name: len(gzip.compress(file.read_bytes(), 9)) for file in STATIC.iterdir()}
    first = sum(size for name, size in sizes.items() if name in ("index.html", "style.css", "app.js"))
    assert sum(sizes.values()) < LIMIT, sizes
    assert first < 60_000, f"what must come before anything is seen: {sizes}"


def test_three_s_licences_are_served_with_it() -> None:
    text = (STATIC / "THREE-LICENSE.txt").read_text("utf-8")
    assert len(re.findall("Permission is hereby granted, free of charge", text)) == 2
    for name in ("three.js authors", "pixiv Inc."):
        assert name in text


def test_nothing_in_the_page_is_inline_or_from_elsewhere() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=", page)
    addresses = re.findall(r'(?:href|src)="([^"#]+)"', page)
    assert addresses
    assert all((STATIC / Path(address).name).exists() and address.startswith("static/") for address in addresses)
    files = {file.name for file in STATIC.glob("*.js")}
    for file in STATIC.glob("*.js"):
        imported = re.findall(r'(?:from|import)\s*\(?"(\./[^"]+)"', file.read_text("utf-8"))
        assert {Path(name).name for name in imported} <= files
