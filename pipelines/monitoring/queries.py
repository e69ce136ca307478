"""Asks a running Prometheus every query of a dashboard: does it parse, and does it return anything?

A dashboard with a misspelt metric looks like one with nothing to report. This tells them apart from outside Grafana.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx2

VARIABLES: Final[Mapping[str, str]] = {"$__rate_interval": "1m", "$__interval": "15s", "$host": ".+"}
"""What Grafana would put in place of its variables: a range of at least four scrapes, and every host."""

SECONDS: Final = 5.0
"""How long one answer may take."""


class PrometheusAbsent(Exception):
    """Nobody answers there as Prometheus does; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel, with Grafana's variables filled in."""

    panel: str
    ref: str
    expr: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus said: ``data``, ``empty`` (also where every value is NaN), or ``error`` and why."""

    query: Query
    found: Literal["data", "empty", "error"]
    why: str = ""


def queries(board: str) -> Iterator[Query]:
    """Every query of a dashboard's JSON, rows included. Raises ``ValueError`` where a variable is not known."""
    yield from _walk(json.loads(board).get("panels", []))


def ask(url: str, board: str) -> list[Answer]:
    """Asks the Prometheus at ``url`` (``http://host:9090``) each query of ``board``, as of now; blocks.

    Raises :class:`PrometheusAbsent`.
    """
    try:
        client = httpx2.Client(base_url=url.rstrip("/"), timeout=SECONDS)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise PrometheusAbsent(f"{url!a} is no address such as http://127.0.0.1:9090 ({error})") from None
    with client:
        return [answer(client, query) for query in queries(board)]


def answer(client: httpx2.Client, query: Query) -> Answer:
    """Asks the Prometheus behind ``client`` one query; raises :class:`PrometheusAbsent`."""
    try:
        reply = client.get("/api/v1/query", params={"query": query.expr}).json()
        if reply["status"] == "error":
            return Answer(query, "error", str(reply["error"]))
        values = [sample["value"][1] for sample in reply["data"]["result"]]
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        message = f"no Prometheus answers at {client.base_url} ({error}); is it running, is it http:// and the port?"
        raise PrometheusAbsent(message) from None
    except (ValueError, KeyError, TypeError, IndexError):
        raise PrometheusAbsent(f"{client.base_url} answers, but not as Prometheus does") from None
    return Answer(query, "data" if any(value != "NaN" for value in values) else "empty")


def _walk(panels: list[dict[str, Any]]) -> Iterator[Query]:
    for panel in panels:
        yield from _walk(panel.get("panels") or [])
        for target in panel.get("targets") or []:
            expr = target["expr"]
            for name, value in VARIABLES.items():
                expr = expr.replace(name, value)
            if "$" in expr:
                raise ValueError(f"{panel['title']}: {expr} uses a variable that is not in VARIABLES")
            yield Query(panel["title"], target.get("refId", ""), expr)
