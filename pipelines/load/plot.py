"""The load test as one HTML page that needs no network: latency against streams, and which stage it is.

The page is the same, to the byte, for the same test. Needs plotly (extra ``replay``).
"""

from __future__ import annotations

import html
import json
from typing import Any, Final

from pipelines.load.measures import E2E, MEASURES
from pipelines.load.results import Figure, LoadTest
from pipelines.load.table import holds, whose
from pipelines.page import plotly
from pipelines.telemetry.ledger import CONTRIBUTIONS

PLOT: Final = "load"
"""Identity of the drawing in the page."""

STAGES: Final = dict(
    zip(
        CONTRIBUTIONS,
        ("#BBBBBB", "#4477AA", "#66CCEE", "#228833", "#114422", "#CCBB44", "#EE6677", "#AA3377", "#777777"),
        strict=True,
    )
)
"""A colour for each stage: Paul Tol's "bright" scheme, which colour-blind people can tell apart, and a dark green."""

SERVICES: Final = {"asr": "#4477AA", "ttft": "#228833", "first_clause": "#CCBB44", "ttfb": "#EE6677"}

LIGHT: Final = {"text": "#222222", "grid": "#dddddd", "strong": "#000000"}
DARK: Final = {"text": "#dddddd", "grid": "#444444", "strong": "#ffffff"}

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 1rem auto; max-width: 70rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif;
  background: light-dark(#ffffff, #161616); color: light-dark(#222222, #dddddd); }}
h1 {{ font-size: 1.4rem; margin: 0 0 .3rem; }}
p {{ margin: .3rem 0; }}
dt {{ font-weight: bold; }}
dd {{ margin: 0 0 .4rem 1rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{words}</p>
<p><strong>{verdict}</strong></p>
{drawing}
<dl>
{definitions}
</dl>
<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const colours = {colours};
function paint() {{
  const theme = colours[dark.matches ? "dark" : "light"];
  Plotly.relayout("{plot}", theme.layout);
  Plotly.restyle("{plot}", {{"line.color": theme.strong, "marker.color": theme.strong}}, {strong});
}}
dark.addEventListener("change", paint);
paint();
</script>
</body>
</html>
"""


def page(test: LoadTest) -> str:
    """The whole page. Raises :class:`~pipelines.page.PageError` where plotly is not installed."""
    plotly()
    from plotly.graph_objects import Bar, Scatter  # noqa: PLC0415 - an extra
    from plotly.subplots import make_subplots  # noqa: PLC0415

    titles = ("voice-to-voice, and what it is made of", "each service by itself: mean and 95th percentile")
    figure = make_subplots(rows=2, cols=1, vertical_spacing=0.3, subplot_titles=titles)
    streams = [str(step.streams) for step in test.steps]
    for stage, colour in STAGES.items():
        means = [step.contributions.get(stage) for step in test.steps]
        figure.add_trace(
            Bar(x=streams, y=means, name=stage, marker_color=colour, legend="legend", hovertemplate="%{y:.3f} s"), 1, 1
        )
    for name, dash in (("p50", "solid"), ("p95", "dot")):
        values = _values(test, E2E, name)
        line = {"dash": dash, "width": 2}
        figure.add_trace(Scatter(x=streams, y=values, name=f"{name} (answered)", line=line, legend="legend"), 1, 1)
    for measure in MEASURES:
        if measure.key == E2E:
            continue
        for name, dash in (("mean", "solid"), ("p95", "dot")):
            line = {"color": SERVICES[measure.key], "dash": dash}
            label = f"{measure.heading} {name}"
            values = _values(test, measure.key, name)
            figure.add_trace(Scatter(x=streams, y=values, name=label, line=line, legend="legend2"), 2, 1)
    if test.until_p95 is not None:
        figure.add_hline(test.until_p95, line_dash="dash", line_color="#EE6677", annotation_text="limit", row=1, col=1)
    figure.update_layout(
        barmode="stack",
        hovermode="x unified",
        height=960,
        margin={"l": 50, "r": 10, "t": 40, "b": 160},
        modebar={"bgcolor": "rgba(0,0,0,0)"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 0.57, "yanchor": "top", "traceorder": "normal"},
        legend2={"orientation": "h", "y": -0.08, "yanchor": "top"},
    )
    figure.update_xaxes(type="category", title_text="streams at once")
    figure.update_yaxes(title_text="seconds", rangemode="tozero")
    settings = {"displaylogo": False, "responsive": True}
    drawing = figure.to_html(full_html=False, include_plotlyjs=True, div_id=PLOT, config=settings)
    return PAGE.format(
        title=html.escape(f"Latency under load: {test.scenario}{' (simulated)' if test.simulated else ''}"),
        words=html.escape(
            f"Seconds, {whose(test)}, of turns said while all streams were talking. The bars are means, which add up "
            "to mean voice-to-voice; the lines are quantiles of the turns that were answered."
        ),
        verdict=html.escape(holds(test)),
        definitions="\n".join(f"<dt>{html.escape(m.heading)}</dt><dd>{html.escape(m.ours)}</dd>" for m in MEASURES),
        plot=PLOT,
        drawing=drawing,
        colours=json.dumps({"light": _colours(LIGHT), "dark": _colours(DARK)}),
        strong=json.dumps([len(STAGES), len(STAGES) + 1]),
    )


def _values(test: LoadTest, key: str, name: str) -> list[float | None]:
    figures: list[Figure | None] = [step.figures.get(key) for step in test.steps]
    return [None if figure is None else getattr(figure, name) for figure in figures]


def _colours(theme: dict[str, str]) -> dict[str, Any]:
    axes = {
        f"{axis}.{part}": theme["grid"]
        for axis in ("xaxis", "xaxis2", "yaxis", "yaxis2")
        for part in ("gridcolor", "zerolinecolor")
    }
    return {"strong": theme["strong"], "layout": {"font.color": theme["text"], **axes}}
