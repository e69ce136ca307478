"""Grafana's dashboards as code, for Grafana 11.6: *GPU* and *Voice loop*; *Learning* is in a file of its own.

Each panel is one call that names what it shows, its unit and its queries; how panels look is in ``panels``. Queries use
the names of ``docker/prometheus``: recorded series where a rule records them, so that a panel and its alert show the
same number.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import dashboard

from pipelines.monitoring import slo
from pipelines.monitoring.learning import learning
from pipelines.monitoring.panels import (
    HOST,
    RANGE,
    alerts,
    bars,
    board,
    counts_by_size,
    days_left,
    graph,
    number,
    part,
    quantile,
    query,
    render,
    stacked,
)
from pipelines.telemetry.ledger import CONTRIBUTIONS, LOSSES

BY_GPU: Final = "{{host}} {{gpu}}"


def gpu() -> str:
    """GPUs and the memory they work in, framebuffer and unified, as JSON."""
    return render(
        board("GPU", "sophia-gpu")
        .with_panel(number("GPUs", "short", f"count(count by (host, gpu) (DCGM_FI_DEV_GPU_TEMP{{{HOST}}}))"))
        .with_panel(number("Hottest", "celsius", f"max(DCGM_FI_DEV_GPU_TEMP{{{HOST}}})", 80, 88))
        .with_panel(number("Fullest memory", "percentunit", f"max(host:gpu_mem_used:ratio{{{HOST}}})", 0.92, 0.97))
        .with_panel(number("Last XID", "short", f"max(gpu:xid:last{{{HOST}}})", 1))
        .with_panel(
            graph("Utilisation", "percent", query(f"max by (host, gpu) (DCGM_FI_DEV_GPU_UTIL{{{HOST}}})", BY_GPU)).max(
                100
            )
        )
        .with_panel(
            graph(
                "Temperature",
                "celsius",
                query(f"max by (host, gpu) (DCGM_FI_DEV_GPU_TEMP{{{HOST}}})", BY_GPU),
                limits=(80, 88),
                low=None,
            )
        )
        .with_panel(
            graph(
                "Memory used",
                "percentunit",
                query(f"host:gpu_mem_used:ratio{{{HOST}}}", "{{host}} {{gpu}} {{mem}}"),
                limits=(0.92, 0.97),
                text="fb: the GPU's own framebuffer. unified: GPU and processor share the machine's memory.",
            ).max(1)
        )
        .with_panel(
            graph(
                "Memory in bytes",
                "bytes",
                query(f"max by (host, gpu) (DCGM_FI_DEV_FB_USED{{{HOST}}}) * 2^20", "{{host}} {{gpu}} framebuffer"),
                query(
                    f"max by (host) (node_memory_MemTotal_bytes{{{HOST}}} - node_memory_MemAvailable_bytes{{{HOST}}})",
                    "{{host}} machine",
                    "B",
                ),
            )
        )
        .with_panel(
            graph("Power", "watt", query(f"max by (host, gpu) (DCGM_FI_DEV_POWER_USAGE{{{HOST}}})", BY_GPU)),
        )
        .with_panel(
            graph("SM clock", "hertz", query(f"max by (host, gpu) (DCGM_FI_DEV_SM_CLOCK{{{HOST}}}) * 1e6", BY_GPU))
        )
        .with_panel(
            graph(
                "Clocks held down",
                "percentunit",
                *(
                    query(
                        f"max by (host, gpu) (rate(DCGM_FI_DEV_{name}_VIOLATION{{{HOST}}}[{RANGE}])) / 1e9",
                        f"{BY_GPU} {text}",
                        ref,
                    )
                    for name, text, ref in (("THERMAL", "heat", "A"), ("POWER", "power", "B"))
                ),
                text="Share of the time. A GPU that reports neither shows nothing here.",
            )
        )
        .with_panel(
            graph(
                "XID errors in five minutes",
                "short",
                query(f"sum by (host, gpu, xid) (DCGM_EXP_XID_ERRORS_COUNT{{{HOST}}})", "{{host}} {{gpu}} XID {{xid}}"),
                text="Nothing is good news. The code of the last one is above; it stays until the driver is reloaded.",
            ).no_value("No XID.")
        )
        .with_panel(alerts('alertname=~"gpu_.+|host_.+|dcgm_.+|exporter_down"', span=24))
    )


def voice_loop() -> str:
    """What users feel, and where it comes from, as JSON."""
    return render(
        board("Voice loop", "sophia-voice-loop")
        .with_panel(number("Sessions", "short", f"sum(sophia_sessions{{{HOST}}})"))
        .with_panel(
            number(
                "Voice-to-voice p95",
                "s",
                f"max(host:voice_to_voice_seconds:p95_5m{{{HOST}}})",
                float(slo.VOICE_TO_VOICE),
            )
        )
        .with_panel(number("Turns without a reply", "percentunit", _worst("missed_turns"), _budget("missed_turns")))
        .with_panel(number("Underruns a reply", "percentunit", _worst("underruns"), _budget("underruns")))
        .with_row(dashboard.Row("What users feel"))
        .with_panel(
            graph(
                "Voice-to-voice",
                "s",
                *(
                    query(quantile(share, "sophia_voice_to_voice_seconds"), f"p{share * 100:g}", ref).exemplar(True)
                    for share, ref in ((0.5, "A"), (0.9, "B"), (0.95, "C"), (0.99, "D"))
                ),
                limits=(float(slo.VOICE_TO_VOICE),),
                text="The user's last voiced sample to her first audible one. A dot is a turn; it leads to its trace.",
            )
        )
        .with_panel(
            stacked(
                graph(
                    "Stages",
                    "s",
                    # One query each: in one, they would be stacked by the alphabet and not as they follow each other.
                    *(
                        query(f'avg(host:stage_seconds:mean_5m{{stage="{stage}", {HOST}}})', stage, ref)
                        for stage, ref in zip(CONTRIBUTIONS, ascii_uppercase, strict=False)
                    ),
                    text="What each stage adds to the mean turn, the first at the bottom; together they are the turn.",
                )
            )
        )
        .with_panel(counts_by_size("Voice-to-voice, every turn", "s", "sophia_voice_to_voice_seconds"))
        .with_panel(
            bars(
                graph(
                    "Turns a minute",
                    "short",
                    query(f"sum by (outcome) (rate(sophia_turns_total{{{HOST}}}[{RANGE}])) * 60", "{{outcome}}"),
                )
            )
        )
        .with_panel(
            bars(
                graph(
                    "Taking turns",
                    "short",
                    *(
                        query(f"sum(rate(sophia_{name}_total{{{HOST}}}[{RANGE}])) * 60", text, ref)
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
        )
        .with_panel(
            graph(
                "Barge-in",
                "s",
                query(quantile(0.5, "sophia_barge_in_seconds"), "p50"),
                query(quantile(0.95, "sophia_barge_in_seconds"), "p95", "B").exemplar(True),
                text="Onset of the interrupting voice to her last sample.",
            ).no_value("Nobody interrupted her.")
        )
        .with_panel(
            graph(
                "Lip skew",
                "s",
                query(quantile(0.05, "sophia_lip_skew_seconds"), "p5"),
                query(quantile(0.5, "sophia_lip_skew_seconds"), "p50", "B"),
                query(quantile(0.95, "sophia_lip_skew_seconds"), "p95", "C"),
                text="Above zero the lips lead the sound. People notice beyond -45 ms and +125 ms (ITU-R BT.1359).",
                low=None,
            )
        )
        .with_panel(
            graph(
                "Speech without a face",
                "percentunit",
                query(quantile(0.5, "sophia_face_missing_ratio"), "p50"),
                query(quantile(0.95, "sophia_face_missing_ratio"), "p95", "B"),
                text="Share of a reply that was heard while the face had no frame. Above 20 % the turn has a fault.",
            )
        )
        .with_panel(
            bars(
                graph(
                    "Underruns a minute",
                    "short",
                    query(f"sum by (host) (rate(sophia_underruns_total{{{HOST}}}[{RANGE}])) * 60", "{{host}}"),
                )
            )
        )
        .with_panel(
            bars(
                graph(
                    "Losses a minute",
                    "short",
                    *(
                        query(f"sum(rate(sophia_{what}_total{{{HOST}}}[{RANGE}])) * 60", what.replace("_", " "), ref)
                        for what, ref in zip(LOSSES, "ABCD", strict=True)
                    ),
                )
            )
        )
        .with_row(dashboard.Row("Where it comes from"))
        .with_panel(graph("Sessions", "short", query(f"sum by (host) (sophia_sessions{{{HOST}}})", "{{host}}")))
        .with_panel(
            graph(
                "Batching in Triton",
                "short",
                query(f"model:triton_batch_size:mean1m{{{HOST}}}", "{{model}} requests a batch"),
                query(f"sum by (model) (nv_inference_pending_request_count{{{HOST}}})", "{{model}} waiting", "B"),
                text="vLLM batches inside one execution: there the first line stays at 1.",
            )
        )
        .with_panel(graph("Queue in Triton", "s", query(f"model:triton_queue_seconds:mean1m{{{HOST}}}", "{{model}}")))
        .with_panel(
            graph(
                "Requests to Triton",
                "reqps",
                query(f"model:triton_requests:rate5m{{{HOST}}}", "{{model}} answered"),
                query(f"model:triton_failures:rate5m{{{HOST}}}", "{{model}} failed", "B"),
            )
        )
        .with_panel(
            graph(
                "Speculation",
                "percentunit",
                query(part("sophia_speculations_dropped_total", "sophia_speculations_started_total"), "dropped"),
                query(
                    f"sum(rate(sophia_wasted_tokens_total{{{HOST}}}[5m]))"
                    f" / (sum(rate(sophia_wasted_tokens_total{{{HOST}}}[5m])"
                    f" + rate(sophia_tokens_total{{{HOST}}}[5m])) > 0)",
                    "tokens wasted",
                    "B",
                ),
                text="Replies started before the turn was decided, and what those cost that were dropped unheard.",
            ).max(1)
        )
        .with_panel(
            graph(
                "Tools, p95",
                "s",
                query(
                    f"histogram_quantile(0.95, sum by (le, tool) (rate(sophia_tool_seconds_bucket{{{HOST}}}[5m])))",
                    "{{tool}}",
                ),
                limits=(0.8,),
                text="How long each tool took. After 0.8 s of silence she says that she is at it.",
            ).no_value("No tool ran.")
        )
        .with_panel(
            bars(
                graph(
                    "Tools a minute",
                    "short",
                    *(
                        query(f"sum(rate(sophia_tool_{what}_total{{{HOST}}}[{RANGE}])) * 60", text, ref)
                        for what, text, ref in (
                            ("calls", "called", "A"),
                            ("failures", "without a result", "B"),
                            ("calls_wasted", "for guesses that were dropped", "C"),
                        )
                    ),
                )
            )
        )
        .with_panel(
            graph(
                "Event loop late, p99",
                "s",
                query(quantile(0.99, "sophia_loop_lag_seconds", RANGE), "p99"),
                limits=(0.05,),
            )
        )
        .with_panel(
            bars(
                graph(
                    "Failures a minute",
                    "short",
                    query(f"sum by (service) (rate(sophia_errors_total{{{HOST}}}[{RANGE}])) * 60", "{{service}}"),
                )
            )
        )
        .with_panel(
            days_left(
                "Certificates end in",
                query(
                    f"(min by (service) (sophia_certificate_expiry_timestamp_seconds{{{HOST}}}) - time()) / 86400",
                    "{{service}}",
                ),
                soon=14,
                late=2,
            )
        )
        .with_row(dashboard.Row("Objectives"))
        .with_panel(
            graph(
                "Budget burnt, times too fast",
                "short",
                *(
                    query(f"max({slo.ratio(objective, '1h')}{{{HOST}}}) / {objective.budget:g}", objective.name, ref)
                    for objective, ref in zip(slo.OBJECTIVES, "ABC", strict=True)
                ),
                limits=tuple(alert.factor for alert in reversed(slo.ALERTS)),
                text="Over an hour. At 1 the budget lasts exactly as long as it is meant to.",
            )
        )
        .with_panel(alerts('alertname!~"gpu_.+|dcgm_.+"'))
    )


BOARDS: Final = {"gpu.json": gpu, "voice_loop.json": voice_loop, "learning.json": learning}
"""File names under ``docker/grafana/dashboards``, and what writes them."""


def _objective(name: str) -> slo.Objective:
    return next(objective for objective in slo.OBJECTIVES if objective.name == name)


def _worst(name: str) -> str:
    return f"max({slo.ratio(_objective(name), '1h')}{{{HOST}}})"


def _budget(name: str) -> float:
    return _objective(name).budget
