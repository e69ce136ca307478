"""Which display suits where the output goes."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from pipelines.terminal.display import Display, SilentDisplay
from pipelines.terminal.plain import PlainDisplay


def _draws(stream: TextIO) -> bool:
    """Whether ``stream`` can write the characters that the screen is drawn with."""
    try:
        "━█●".encode(stream.encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def open_display(*, silent: bool = False, stream: TextIO | None = None) -> Display:
    """The right display for ``stream`` (standard output): a screen on a terminal, plain lines elsewhere."""
    out = stream or sys.stdout
    if silent:
        return SilentDisplay()
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")  # a terminal of another age gets question marks, not an exception
    if not out.isatty() or os.environ.get("TERM", "dumb") == "dumb" or not _draws(out):
        return PlainDisplay(out)
    from pipelines.terminal.screen import RichDisplay  # noqa: PLC0415 - only a terminal pays for it

    return RichDisplay(stream=out)
