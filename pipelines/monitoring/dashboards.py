"""Grafana's dashboards as code, for Grafana 11.6: *GPU* and *Voice loop*.

Each panel is one call that names what it shows, its unit and its queries; how panels look is decided once, in the
helpers at the end. Needs ``grafana-foundation-sdk`` (extra ``dev``), which only writes JSON. Queries use the names of
``docker/prometheus``: recorded series where a rule records them, so that a panel and its alert show the same number.
"""

from __future__ import annotations

from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import GraphDrawStyle, GraphThresholdsStyleMode, StackingMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from pipelines.monitoring import slo

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
"""As provisioned in ``docker/grafana/provisioning/datasources``."""

HOST: Final = 'host=~"$host"'
RANGE: Final = "$__rate_interval"


def gpu() -> str:
    """GPUs and the memory they work in, framebuffer and unified, as JSON."""
    board = (
        _dashboard("GPU", "sophia-gpu")
        .with_panel(
            _graph(
                "Utilisation", "percent", _q(f"max by (host, gpu) (DCGM_FI_DEV_GPU_UTIL{{{HOST}}})", "{{host}} {{gpu}}")
            )
            .min(0)
            .max(100)
        )
        .with_panel(
            _graph(
                "Temperature",
                "celsius",
                _q(f"max by (host, gpu) (DCGM_FI_DEV_GPU_TEMP{{{HOST}}})", "{{host}} {{gpu}}"),
                limits=(80, 88),
            )
        )
        .with_panel(
            _graph(
                "Memory used",
                "percentunit",
                _q(f"host:gpu_mem_used:ratio{{{HOST}}}", "{{host}} {{gpu}} {{mem}}"),
                limits=(0.92, 0.97),
                text="fb: the GPU's own framebuffer. unified: GPU and processor share the machine's memory.",
            )
            .min(0)
            .max(1)
        )
        .with_panel(
            _graph(
                "Memory in bytes",
                "bytes",
                _q(f"max by (host, gpu) (DCGM_FI_DEV_FB_USED{{{HOST}}}) * 2^20", "{{host}} {{gpu}} framebuffer"),
                _q(
                    f"max by (host) (node_memory_MemTotal_bytes{{{HOST}}} - node_memory_MemAvailable_bytes{{{HOST}}})",
                    "{{host}} machine",
                    "B",
                ),
            ).min(0)
        )
        .with_panel(
            _graph("Power", "watt", _q(f"max by (host, gpu) (DCGM_FI_DEV_POWER_USAGE{{{HOST}}})", "{{host}} {{gpu}}"))
        )
        .with_panel(
            _graph(
                "SM clock",
                "hertz",
                _q(f"max by (host, gpu) (DCGM_FI_DEV_SM_CLOCK{{{HOST}}}) * 1e6", "{{host}} {{gpu}}"),
            )
        )
        .with_panel(
            _graph(
                "Clocks held down",
                "percentunit",
                _q(
                    f"max by (host, gpu) (rate(DCGM_FI_DEV_THERMAL_VIOLATION{{{HOST}}}[{RANGE}])) / 1e9",
                    "{{host}} {{gpu}} heat",
                ),
                _q(
                    f"max by (host, gpu) (rate(DCGM_FI_DEV_POWER_VIOLATION{{{HOST}}}[{RANGE}])) / 1e9",
                    "{{host}} {{gpu}} power",
                    "B",
                ),
                text="Share of the time. A GPU that reports neither shows nothing here.",
            )
        )
        .with_panel(
            _graph(
                "XID errors",
                "short",
                _q(
                    f"sum by (host, gpu, xid) (DCGM_EXP_XID_ERRORS_COUNT{{{HOST}}})",
                    "{{host}} {{gpu}} XID {{xid}}",
                ),
                _q(f"gpu:xid:last{{{HOST}}} > 0", "{{host}} {{gpu}} last XID", "B"),
                text="Nothing is good news.",
            )
        )
        .with_panel(_alerts('alertname=~"gpu_.+|host_.+|dcgm_.+|exporter_down"'))
    )
    return _render(board)


def voice_loop() -> str:
    """What users feel, and where it comes from, as JSON."""
    board = (
        _dashboard("Voice loop", "sophia-voice-loop")
        .with_panel(_number("Sessions", "short", f"sum(sophia_sessions{{{HOST}}})"))
        .with_panel(
            _number(
                "Voice-to-voice p95",
                "s",
                f"max(host:voice_to_voice_seconds:p95_5m{{{HOST}}})",
                float(slo.VOICE_TO_VOICE),
            )
        )
        .with_panel(_number("Turns without a reply", "percentunit", _worst("missed_turns"), _budget("missed_turns")))
        .with_panel(_number("Underruns a reply", "percentunit", _worst("underruns"), _budget("underruns")))
        .with_row(dashboard.Row("What users feel"))
        .with_panel(
            _graph(
                "Voice-to-voice",
                "s",
                *(
                    _q(_quantile(share, "sophia_voice_to_voice_seconds"), f"p{share * 100:g}", ref).exemplar(True)
                    for share, ref in ((0.5, "A"), (0.9, "B"), (0.95, "C"), (0.99, "D"))
                ),
                limits=(float(slo.VOICE_TO_VOICE),),
                text="The user's last voiced sample to her first audible one. A dot is a turn; it leads to its trace.",
            ).min(0)
        )
        .with_panel(
            _graph(
                "Stages",
                "s",
                _q(f"avg by (stage) (host:stage_seconds:mean_5m{{{HOST}}})", "{{stage}}"),
                text="What each stage adds to the mean turn; the stages add up to it.",
            )
            .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
            .fill_opacity(60)
            .min(0)
        )
        .with_panel(
            heatmap.Panel()
            .title("Voice-to-voice, every turn")
            .datasource(PROMETHEUS)
            .height(8)
            .span(12)
            .calculate(False)
            .with_target(
                _q(f"sum by (le) (increase(sophia_voice_to_voice_seconds_bucket{{{HOST}}}[{RANGE}]))", "{{le}}").format(
                    PromQueryFormat.HEATMAP
                )
            )
        )
        .with_panel(
            _graph(
                "Turns a minute",
                "short",
                _q(f"sum by (outcome) (rate(sophia_turns_total{{{HOST}}}[{RANGE}])) * 60", "{{outcome}}"),
            )
            .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
            .draw_style(GraphDrawStyle.BARS)
            .fill_opacity(60)
        )
        .with_panel(
            _graph(
                "Taking turns",
                "short",
                *(
                    _q(f"sum(rate(sophia_{name}_total{{{HOST}}}[{RANGE}])) * 60", text, ref)
                    for name, text, ref in (
                        ("false_cutoffs", "cut off", "A"),
                        ("false_interruptions", "interrupted by mistake", "B"),
                        ("resumes", "resumed", "C"),
                        ("backchannels", "backchannels", "D"),
                    )
                ),
                text="A minute. Cut-offs are what people mind most.",
            )
        )
        .with_panel(
            _graph(
                "Barge-in",
                "s",
                _q(_quantile(0.5, "sophia_barge_in_seconds"), "p50"),
                _q(_quantile(0.95, "sophia_barge_in_seconds"), "p95", "B").exemplar(True),
                text="Onset of the interrupting voice to her last sample.",
            )
        )
        .with_panel(
            _graph(
                "Lip skew",
                "s",
                _q(_quantile(0.05, "sophia_lip_skew_seconds"), "p5"),
                _q(_quantile(0.5, "sophia_lip_skew_seconds"), "p50", "B"),
                _q(_quantile(0.95, "sophia_lip_skew_seconds"), "p95", "C"),
                text="Above zero sound leads the lips. People notice beyond +45 ms and -125 ms (ITU-R BT.1359).",
            )
        )
        .with_panel(
            _graph("Underruns a minute", "short", _q(f"sum(rate(sophia_underruns_total{{{HOST}}}[{RANGE}])) * 60", ""))
        )
        .with_row(dashboard.Row("Where it comes from"))
        .with_panel(_graph("Sessions", "short", _q(f"sum by (host) (sophia_sessions{{{HOST}}})", "{{host}}")))
        .with_panel(
            _graph(
                "Batching in Triton",
                "short",
                _q(f"model:triton_batch_size:mean1m{{{HOST}}}", "{{model}} requests a batch"),
                _q(
                    f"sum by (model) (nv_inference_pending_request_count{{{HOST}}})",
                    "{{model}} waiting",
                    "B",
                ),
                text="vLLM batches inside one execution: there the first line stays at 1.",
            )
        )
        .with_panel(
            _graph("Queue in Triton", "s", _q(f"model:triton_queue_seconds:mean1m{{{HOST}}}", "{{model}}")).min(0)
        )
        .with_panel(
            _graph(
                "Requests to Triton",
                "reqps",
                _q(f"model:triton_requests:rate5m{{{HOST}}}", "{{model}} answered"),
                _q(f"model:triton_failures:rate5m{{{HOST}}}", "{{model}} failed", "B"),
            )
        )
        .with_panel(
            _graph(
                "Speculation",
                "percentunit",
                _q(_share("sophia_speculations_dropped_total", "sophia_speculations_started_total"), "dropped"),
                _q(
                    f"sum(rate(sophia_wasted_tokens_total{{{HOST}}}[{RANGE}]))"
                    f" / (sum(rate(sophia_wasted_tokens_total{{{HOST}}}[{RANGE}])"
                    f" + rate(sophia_tokens_total{{{HOST}}}[{RANGE}])) > 0)",
                    "tokens wasted",
                    "B",
                ),
                text="Replies started before the turn was decided, and what those cost that were dropped unheard.",
            )
        )
        .with_panel(
            _graph(
                "Event loop late, p99",
                "s",
                _q(_quantile(0.99, "sophia_loop_lag_seconds"), "p99"),
                limits=(0.05,),
            )
        )
        .with_panel(
            _graph(
                "Failures a minute",
                "short",
                _q(f"sum by (service) (rate(sophia_errors_total{{{HOST}}}[{RANGE}])) * 60", "{{service}}"),
            )
        )
        .with_panel(
            _graph(
                "Certificates end in",
                "s",
                _q(
                    f"min by (service) (sophia_certificate_expiry_timestamp_seconds{{{HOST}}}) - time()",
                    "{{service}}",
                ),
            )
        )
        .with_row(dashboard.Row("Objectives"))
        .with_panel(
            _graph(
                "Budget burnt, times too fast",
                "short",
                *(
                    _q(f"max({slo.ratio(objective, '1h')}{{{HOST}}}) / {objective.budget:g}", objective.name, ref)
                    for objective, ref in zip(slo.OBJECTIVES, "ABC", strict=True)
                ),
                limits=tuple(alert.factor for alert in reversed(slo.ALERTS)),
                text="Over an hour. At 1 the budget lasts exactly as long as it is meant to.",
            ).min(0)
        )
        .with_panel(_alerts('alertname!~"gpu_.+|dcgm_.+"'))
    )
    return _render(board)


BOARDS: Final = {"gpu.json": gpu, "voice_loop.json": voice_loop}
"""File names under ``docker/grafana/dashboards``, and what writes them."""


def _quantile(share: float, histogram: str) -> str:
    return f"histogram_quantile({share:g}, sum by (le) (rate({histogram}_bucket{{{HOST}}}[{RANGE}])))"


def _share(part: str, whole: str) -> str:
    return f"sum(rate({part}{{{HOST}}}[{RANGE}])) / (sum(rate({whole}{{{HOST}}}[{RANGE}])) > 0)"


def _objective(name: str) -> slo.Objective:
    return next(objective for objective in slo.OBJECTIVES if objective.name == name)


def _worst(name: str) -> str:
    return f"max({slo.ratio(_objective(name), '1h')}{{{HOST}}})"


def _budget(name: str) -> float:
    return _objective(name).budget


def _q(expr: str, legend: str, ref: str = "A") -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).datasource(PROMETHEUS)


def _steps(limits: tuple[float, ...]) -> dashboard.ThresholdsConfig:
    colors = ("green", "orange", "red", "dark-red")
    steps = [Threshold(value=None, color=colors[0])]
    steps += [Threshold(value=limit, color=color) for limit, color in zip(limits, colors[1:], strict=False)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _graph(
    title: str, unit: str, *queries: prometheus.Dataquery, limits: tuple[float, ...] = (), text: str = ""
) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).unit(unit).datasource(PROMETHEUS).height(8).span(12).description(text)
    panel = panel.fill_opacity(10)
    for query in queries:
        panel = panel.with_target(query)
    if limits:
        panel = panel.thresholds(_steps(limits)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE)
        )
    return panel


def _number(title: str, unit: str, expr: str, limit: float | None = None) -> stat.Panel:
    panel = stat.Panel().title(title).unit(unit).datasource(PROMETHEUS).height(4).span(6).with_target(_q(expr, ""))
    return panel.thresholds(_steps(() if limit is None else (limit,)))


def _alerts(which: str) -> statetimeline.Panel:
    query = f'max by (host, alertname, severity) (ALERTS{{alertstate="firing", {which}}})'
    return (
        statetimeline.Panel()
        .title("Alerts")
        .description("What fires. Empty is good.")
        .datasource(PROMETHEUS)
        .height(8)
        .span(12)
        .with_target(_q(query, "{{alertname}} {{severity}} {{host}}"))
    )


def _dashboard(title: str, uid: str) -> dashboard.Dashboard:
    host = dashboard.QueryVariable("host").datasource(PROMETHEUS).query("label_values(up, host)")
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["sophia"])
        .refresh("5s")
        .time("now-30m", "now")
        .timezone("browser")
        .readonly()
        .with_variable(host.multi(True).include_all(True).all_value(".+"))
    )


def _render(board: dashboard.Dashboard) -> str:
    built = board.build()
    for number, panel in enumerate(built.panels or [], 1):
        panel.id_val = number  # Grafana wants one; the builder leaves them out
    encoded: Any = JSONEncoder(sort_keys=True, indent=2).encode(built)
    return f"{encoded}\n"
