"""Grafana's dashboard *Learning*: how fresh the tables of insights are, and how guardrails stand against their past.

It shows what ``python -m pipelines.insights ingest`` and ``report`` leave for the node exporter (``--metrics``).
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from pipelines.insights.report.drift import LEAST, WAITS
from pipelines.monitoring.panels import HOST, alerts, beside_its_limit, board, graph, number, query, render

STALE: Final = 36 * 3600.0
"""Seconds after which the rules in ``docker/prometheus/rules/learning.yml`` call something stale."""

_GUARDRAIL: Final = "sophia_insights_guardrail"
_NEWEST: Final = f"time() - max by (host) (sophia_insights_newest_turn_timestamp_seconds{{{HOST}}})"
_RAN: Final = f"time() - max by (host, command) (sophia_insights_last_success_timestamp_seconds{{{HOST}}})"
_DRIFTED: Final = f'count(ALERTS{{alertname="guardrail_drifted", alertstate="firing", {HOST}}})'


def learning() -> str:
    """Freshness and drift, as JSON."""
    filled = (
        board("Learning", "sophia-learning", since="30d", refresh="1m")
        .with_panel(number("Last ingest, ago", "s", _ago("ingest"), STALE))
        .with_panel(number("Last report, ago", "s", _ago("report"), STALE))
        .with_panel(number("Newest turn, ago", "s", f"max({_NEWEST})", STALE))
        .with_panel(number("Guardrails that drifted", "short", _DRIFTED, 1).no_value("none"))
        .with_row(dashboard.Row("Freshness"))
        .with_panel(
            graph(
                "Age",
                "s",
                query(_RAN, "{{host}} {{command}}"),
                query(_NEWEST, "{{host}} newest turn", "B"),
                limits=(STALE,),
                text="Since the last run that went well, and since the end of the newest turn in the tables.",
            )
        )
        .with_panel(
            graph(
                "Turns of a day",
                "short",
                query(f"sum(increase(sophia_turns_total{{{HOST}}}[1d]))", "counted by the loops"),
                query(f"sum(sophia_insights_ingest_turns{{{HOST}}})", "added by the last ingest", "B"),
                text="Alike if ingest runs once a day. What was counted and not added was lost on the way.",
            )
        )
        .with_panel(graph("Rows", "short", query(f"max by (table) (sophia_insights_rows{{{HOST}}})", "{{table}}")))
        .with_panel(
            graph(
                "Lines that were passed over",
                "short",
                query(f"max by (host) (sophia_insights_ingest_refused_lines{{{HOST}}})", "{{host}}"),
                text="By the last ingest, which says why. Words of users are in none of it.",
            )
        )
        .with_row(dashboard.Row("Guardrails: the last whole day against up to 26 before it"))
    )
    for name in WAITS:
        filled = filled.with_panel(beside_its_limit(name.capitalize(), "s", f"{_GUARDRAIL}_seconds", name))
    for name in LEAST:
        filled = filled.with_panel(beside_its_limit(name.capitalize(), "percentunit", f"{_GUARDRAIL}_ratio", name))
    return render(filled.with_panel(alerts('alertname=~"insights_.+|turns_stale|guardrail_.+|textfile_.+"', span=24)))


def _ago(command: str) -> str:
    return f'max(time() - sophia_insights_last_success_timestamp_seconds{{command="{command}", {HOST}}})'
