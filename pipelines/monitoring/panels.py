"""How the dashboards' panels look, decided once: axes, colours, legends. What they show is in ``dashboards``.

Needs ``grafana-foundation-sdk`` (extra ``dev``), which only writes JSON.
"""

from __future__ import annotations

from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    StackingMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
"""As provisioned in ``docker/grafana/provisioning/datasources``."""

HOST: Final = 'host=~"$host"'

RANGE: Final = "$__rate_interval"
"""For what happens many times a second."""

TURNS: Final = "5m"
"""For what happens once a turn: in less there are too few turns for a percentile. The rules record over the same."""

LEAST_SCALE: Final = {"short": 1.0, "reqps": 1.0, "percentunit": 0.1, "s": 0.01}
"""What an axis reaches at least, by unit: where everything is 0, Grafana would draw it up to 100."""

SEVERITIES: Final = {"critical": "dark-red", "warning": "orange", "info": "blue"}


def query(expr: str, legend: str, ref: str = "A") -> prometheus.Dataquery:
    """One query of a panel; ``legend`` may name labels, as ``{{host}}``."""
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).datasource(PROMETHEUS)


def quantile(share: float, histogram: str, window: str = TURNS) -> str:
    """A quantile over ``window``, and nothing (not NaN, over which Grafana draws a line) where nothing happened."""
    return f"histogram_quantile({share:g}, sum by (le) (rate({histogram}_bucket{{{HOST}}}[{window}]))) > -Inf"


def part(some: str, every: str) -> str:
    """Which share of the counter ``every`` the counter ``some`` is; nothing where nothing was counted."""
    return f"sum(rate({some}{{{HOST}}}[{TURNS}])) / (sum(rate({every}{{{HOST}}}[{TURNS}])) > 0)"


def graph(
    title: str,
    unit: str,
    *queries: prometheus.Dataquery,
    limits: tuple[float, ...] = (),
    text: str = "",
    low: float | None = 0,
) -> timeseries.Panel:
    """Lines over time, half the width. ``limits`` are drawn across; the axis begins at ``low``."""
    panel = timeseries.Panel().title(title).unit(unit).datasource(PROMETHEUS).height(8).span(12).description(text)
    panel = panel.fill_opacity(10 if len(queries) == 1 else 0)
    if low is not None:
        panel = panel.min(low)
    if unit in LEAST_SCALE:
        panel = panel.axis_soft_max(LEAST_SCALE[unit])
    for target in queries:
        panel = panel.with_target(target)
    if limits:
        panel = panel.thresholds(_steps(limits)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE)
        )
    return panel


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """The same, each series upon the one before it."""
    return panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A")).fill_opacity(60)


def bars(panel: timeseries.Panel) -> timeseries.Panel:
    """The same as stacked bars, of a minute each at least: what happens once a turn is rare."""
    return stacked(panel).draw_style(GraphDrawStyle.BARS).interval("1m")


def beside_its_limit(title: str, unit: str, gauge: str, guardrail: str) -> timeseries.Panel:
    """A guardrail, what is usual of it (grey), and its limit (dashed); the gauge has a label ``of`` for these."""
    panel = graph(
        title,
        unit,
        *(
            query(f'max by (host) ({gauge}{{guardrail="{guardrail}", of="{of}", {HOST}}})', f"{{{{host}}}} {of}", ref)
            for of, ref in (("now", "A"), ("usual", "B"), ("limit", "C"))
        ),
        text="Of the last whole day, as a report found it.",
    )
    grey = DynamicConfigValue(id_val="color", value={"mode": FieldColorModeId.FIXED, "fixedColor": "gray"})
    dashes = DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 8]})
    return panel.override_by_regexp("/ usual$/", [grey]).override_by_regexp("/ limit$/", [dashes])


def number(title: str, unit: str, expr: str, *limits: float) -> stat.Panel:
    """One figure, a quarter of the width; it changes colour at ``limits``."""
    panel = stat.Panel().title(title).unit(unit).datasource(PROMETHEUS).height(4).span(6).with_target(query(expr, ""))
    return panel.no_value("–").thresholds(_steps(limits))


def days_left(title: str, target: prometheus.Dataquery, soon: float, late: float) -> stat.Panel:
    """A figure in days for each series: orange at less than ``soon``, red at less than ``late``."""
    steps = [Threshold(value=None, color="red"), Threshold(value=late, color="orange")]
    steps.append(Threshold(value=soon, color="green"))
    panel = stat.Panel().title(title).unit("d").decimals(0).datasource(PROMETHEUS).height(8).span(12)
    panel = panel.text_mode(BigValueTextMode.VALUE_AND_NAME).graph_mode(BigValueGraphMode.NONE)
    return panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)).with_target(target)


def counts_by_size(title: str, unit: str, histogram: str) -> heatmap.Panel:
    """A histogram's buckets over time: how many fell where."""
    expr = f"sum by (le) (increase({histogram}_bucket{{{HOST}}}[{RANGE}]))"
    panel = heatmap.Panel().title(title).datasource(PROMETHEUS).height(8).span(12).calculate(False)
    panel = panel.y_axis(heatmap.YAxisConfig().unit(unit)).interval("1m")
    return panel.with_target(query(expr, "{{le}}").format(PromQueryFormat.HEATMAP))


def alerts(which: str, span: int = 12) -> statetimeline.Panel:
    """When which alert fired, a row for each, coloured by how bad it is."""
    expr = f'max by (host, alertname, severity) (ALERTS{{alertstate="firing", {which}}})'
    panel = statetimeline.Panel().title("Alerts").datasource(PROMETHEUS).height(8).span(span)
    panel = panel.no_value("Nothing fires.").show_value(VisibilityMode.NEVER)
    panel = panel.legend(common.VizLegendOptions().show_legend(False))
    for severity, color in SEVERITIES.items():
        fixed = {"mode": FieldColorModeId.FIXED, "fixedColor": color}
        panel = panel.override_by_regexp(rf"/ {severity}\b/", [DynamicConfigValue(id_val="color", value=fixed)])
    return panel.with_target(query(expr, "{{alertname}} {{severity}} {{host}}"))


def board(title: str, uid: str, *, since: str = "30m", refresh: str = "5s") -> dashboard.Dashboard:
    """An empty dashboard of the last half hour, or of as long as ``since`` says, with a choice of hosts."""
    host = dashboard.QueryVariable("host").datasource(PROMETHEUS).query("label_values(up, host)")
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["sophia"])
        .refresh(refresh)
        .time(f"now-{since}", "now")
        .timezone("browser")
        .readonly()
        .with_variable(host.multi(True).include_all(True).all_value(".+"))
    )


def render(filled: dashboard.Dashboard) -> str:
    """The dashboard as JSON, the same for the same panels."""
    built = filled.build()
    for number_, panel in enumerate(built.panels or [], 1):
        panel.id_val = number_  # Grafana wants one; the builder leaves them out
    encoded: Any = JSONEncoder(sort_keys=True, indent=2).encode(built)
    return f"{encoded}\n"


def _steps(limits: tuple[float, ...]) -> dashboard.ThresholdsConfig:
    colors = ("green", "orange", "red", "dark-red")
    steps = [Threshold(value=None, color=colors[0])]
    steps += [Threshold(value=limit, color=color) for limit, color in zip(limits, colors[1:], strict=False)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
