"""A report as one HTML page that needs no network: latency and throughput against load, batches, clients.

Needs plotly (extra ``replay``).
"""

from __future__ import annotations

import html
import json
from importlib.util import find_spec
from typing import Any, Final

from nova.benchmark.results import Report
from nova.benchmark.tables import heading
from nova.benchmark.thresholds import name_of

COLOURS: Final = {"nova": "#4477AA", "tritonclient": "#EE6677", "bare": "#999999", "other": "#228833"}
"""Of Paul Tol's "bright" scheme, which colour-blind people can tell apart."""

_THEMES: Final = {"light": ("#222222", "#dddddd"), "dark": ("#dddddd", "#444444")}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nova's model, measured</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 1rem auto; max-width: 75rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif;
  background: light-dark(#ffffff, #161616); color: light-dark(#222222, #dddddd); }}
h1 {{ font-size: 1.4rem; margin: 0 0 .3rem; }}
p {{ margin: .3rem 0; }}
</style>
</head>
<body>
<h1>Nova's model, measured</h1>
<p>{heading}</p>
<p>{note}</p>
{drawing}
<script>
const dark = matchMedia("(prefers-color-scheme: dark)"), layouts = {layouts};
const paint = () => Plotly.relayout("benchmark", layouts[dark.matches ? "dark" : "light"]);
dark.addEventListener("change", paint);
paint();
</script>
</body>
</html>
"""


class PlotError(Exception):
    """The page cannot be made; the message is one line that says what to do."""


def require_plotly() -> None:
    """Raises :class:`PlotError` where plotly is not installed."""
    if find_spec("plotly") is None:
        raise PlotError("plots need plotly: .venv/bin/python -m pip install -e '.[replay]'")


def page(report: Report) -> str:
    """The whole page. Raises :class:`PlotError` where plotly is not installed."""
    require_plotly()
    from plotly.graph_objects import Figure  # noqa: PLC0415 - an extra
    from plotly.subplots import make_subplots  # noqa: PLC0415

    titles = (
        "first token (ms)", "between tokens (ms)", "tokens/s", "requests/s",
        "batches: prompts/s", "our client to the others: requests/s",
    )  # fmt: skip
    figure: Figure = make_subplots(rows=3, cols=2, subplot_titles=titles, vertical_spacing=0.1)
    _loads(figure, report)
    _batches(figure, report)
    _compared(figure, report)
    figure.update_layout(
        height=1050,
        margin={"l": 50, "r": 20, "t": 50, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        barmode="group",
        scattermode="group",
        scattergap=0.7,
        legend={"orientation": "h", "y": -0.04},
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(rangemode="tozero")
    drawing = figure.to_html(
        full_html=False, include_plotlyjs=True, div_id="benchmark", config={"displaylogo": False, "responsive": True}
    )
    return _PAGE.format(
        heading=html.escape(heading(report)),
        note=html.escape(report.simulated),
        drawing=drawing,
        layouts=json.dumps({name: _layout(text, grid) for name, (text, grid) in _THEMES.items()}),
    )


def _loads(figure: Any, report: Report) -> None:
    from plotly.graph_objects import Bar, Scatter  # noqa: PLC0415

    for row, column, name in ((1, 1, "first_token"), (1, 2, "inter_token")):
        for quantile, dash in (("p50", "solid"), ("p95", "dot"), ("p99", "dash")):
            for kind in ("closed", "open"):  # lines of their own: nothing lies between the two kinds of load
                points = [point for point in report.points if point.load == kind]
                spreads = [getattr(point, name) for point in points]
                values = [None if spread is None else getattr(spread, quantile) * 1000 for spread in spreads]
                line = {"color": COLOURS["nova"], "dash": dash}
                figure.add_trace(
                    Scatter(
                        x=[name_of(point) for point in points], y=values, name=quantile, line=line,
                        legendgroup=quantile, showlegend=column == 1 and kind == "closed",
                    ),
                    row, column,
                )  # fmt: skip
    loads = [name_of(point) for point in report.points]
    for column, name in ((1, "tokens_per_second"), (2, "requests_per_second")):
        values = [getattr(point, name) for point in report.points]
        figure.add_trace(Bar(x=loads, y=values, marker_color=COLOURS["nova"], showlegend=False), 2, column)


def _batches(figure: Any, report: Report) -> None:
    from plotly.graph_objects import Bar  # noqa: PLC0415

    sizes = [f"{batched.size} together" for batched in report.batches]
    for name, colour in (("sequential", COLOURS["nova"]), ("batched", COLOURS["other"])):
        ratios = [getattr(batched, name) for batched in report.batches]
        figure.add_trace(
            Bar(x=sizes, y=[ratio.median for ratio in ratios], name=name, marker_color=colour, error_y=_spread(ratios)),
            3, 1,
        )  # fmt: skip


def _compared(figure: Any, report: Report) -> None:
    from plotly.graph_objects import Scatter  # noqa: PLC0415

    loads = [f"{row.concurrency} at once" for row in report.compared]
    others = report.compared[0].request_ratio if report.compared else {}
    for other in others:
        ratios = [row.request_ratio[other] for row in report.compared]
        colour = COLOURS.get(other, COLOURS["other"])
        figure.add_trace(
            Scatter(
                x=loads, y=[ratio.median for ratio in ratios], name=f"to {other}", mode="markers", offsetgroup=other,
                marker={"color": colour, "size": 9}, error_y=_spread(ratios, colour),
            ),
            3, 2,
        )  # fmt: skip
    if others:
        figure.add_hline(1.0, line_dash="dash", line_color=COLOURS["bare"], row=3, col=2)


def _spread(ratios: list[Any], colour: str = COLOURS["bare"]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "color": colour,
        "thickness": 2,
        "array": [ratio.high - ratio.median for ratio in ratios],
        "arrayminus": [ratio.median - ratio.low for ratio in ratios],
    }


def _layout(text: str, grid: str) -> dict[str, str]:
    axes = [f"{axis}{number}" for axis in ("xaxis", "yaxis") for number in ("", *range(2, 7))]
    lines = {f"{axis}.{part}": grid for axis in axes for part in ("gridcolor", "zerolinecolor")}
    return {"font.color": text, **lines}
