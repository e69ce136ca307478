"""A page for a browser in one file: plots by plotly, the same bytes for the same data, no access to the network.

The page's policy lets no script run but its own, which are named by their hashes. It lets nothing be loaded from
anywhere. So even text that slipped through the escaping could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


class PageError(Exception):
    """No page can be made or written; the message is one line that says what to do."""


def render(template: str, style: str, scripts: Sequence[str], data: Any, **told: Any) -> str:
    """The page, out of a jinja2 template that is given ``policy``, ``style``, ``scripts``, ``data`` and ``told``.

    plotly comes first among the scripts; ``data`` is made JSON. Raises :class:`PageError` if plotly is not installed.
    """
    everything = [plotly(), *scripts]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        policy=_policy(everything),
        style=Markup(style),
        scripts=[Markup(script) for script in everything],
        data=Markup(embedded(data)),
        **told,
    )


def plotly() -> str:
    """plotly.js. Raises :class:`PageError` if the package is not installed."""
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise PageError(
            "plots need plotly, which is not installed: .venv/bin/python -m pip install -e '.[replay]'"
        ) from None
    return str(get_plotlyjs()).strip("\n")


def embedded(data: Any) -> str:
    """JSON that can stand in a ``<script>`` element: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _policy(scripts: Sequence[str]) -> str:
    """What the page may do: run these scripts, style itself (plotly does), show images of its own making."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
