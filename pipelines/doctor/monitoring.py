"""Framework, what watches: exporters, Prometheus, Grafana and the collector, each asked for what it is there for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import grpc.aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.containers import START_MONITORING
from pipelines.doctor.finding import Result, fail, ok, skip, warn
from pipelines.doctor.host import printable
from pipelines.doctor.web import Page, WebTrouble, get
from pipelines.services.channels import open_channel
from pipelines.services.diagnosis import diagnose
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.telemetry import TelemetrySettings

COLLECTOR_SECONDS: Final = 5.0
OTLP_PORT: Final = 4317
MOST: Final = 10
"""Things of one kind that are listed."""

LOOP_JOB: Final = "sophia"
"""The job of the loop itself in ``docker/prometheus/prometheus.yml``, which is there only while a loop runs."""


def collector(telemetry: TelemetrySettings) -> Endpoint:
    """Where the collector of ``telemetry`` is, as a gRPC endpoint."""
    parts = urlsplit(telemetry.endpoint)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    tls = TlsSettings(enabled=parts.scheme == "https", ca=telemetry.ca)
    return Endpoint(target=f"{host}:{parts.port or OTLP_PORT}", tls=tls, connect_seconds=COLLECTOR_SECONDS)


async def export(request: trace_service_pb2.ExportTraceServiceRequest, telemetry: TelemetrySettings) -> None:
    """Sends spans to the collector; raises ``grpc.aio.AioRpcError`` and ``CredentialsError``."""
    async with open_channel(collector(telemetry)) as channel:
        stub: Any = trace_service_pb2_grpc.TraceServiceStub(channel)  # type: ignore[no-untyped-call]
        await stub.Export(request, timeout=COLLECTOR_SECONDS)


async def _collector(c: Context) -> Result:
    telemetry = c.settings.telemetry
    if telemetry.exporter != "otlp":
        return skip(f"spans go nowhere (telemetry.exporter is {telemetry.exporter})")
    try:
        await export(trace_service_pb2.ExportTraceServiceRequest(), telemetry)
    except Exception as error:
        if isinstance(error, grpc.aio.AioRpcError) and error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return fail(f"{telemetry.endpoint} takes no traces", f"name its OTLP gRPC port, by default {OTLP_PORT}")
        told = await diagnose(error, "collector", collector(telemetry), COLLECTOR_SECONDS)
        return fail(printable(told.line), printable(told.hint) or START_MONITORING)
    return ok(f"{telemetry.endpoint} takes traces over OTLP")


def _exporter(key: str, title: str, prefix: str, why: str) -> Check:
    async def probe(c: Context) -> Result:
        url: str | None = getattr(c.settings.stack, key)
        if url is None:
            return skip(f"not named: stack.{key}")
        page = await _page(c, url if urlsplit(url).path else f"{url}/metrics")
        if isinstance(page, Result):
            return page
        names = {line.split("{")[0].split(" ")[0] for line in page.text.splitlines() if line.startswith(prefix)}
        if not names:
            return fail(f"{url} answers, but without a {prefix}… series", "sudo ss -ltnp, and see who has this port")
        if key == "dcgm_exporter":
            return dcgm(url, names)
        return ok(f"{url}: {len(names)} metrics")

    return Check("framework", "monitoring", f"{key}_page", title, why, probe)


def dcgm(url: str, names: set[str]) -> Result:
    """What the DCGM exporter's metrics tell: on unified memory it has none of memory, and that is well."""
    if "DCGM_FI_DEV_GPU_TEMP" not in names:
        return warn(f"{url}: {len(names)} metrics, but no temperature", "docker compose -p sophia logs dcgm-exporter")
    memory = "" if "DCGM_FI_DEV_FB_USED" in names else ", none of memory (unified: the node exporter's is used)"
    return ok(f"{url}: {len(names)} metrics{memory}")


async def _prometheus(c: Context) -> Result:
    url = c.settings.stack.prometheus
    if url is None:
        return skip("not named: stack.prometheus")
    page = await _page(c, f"{url}/-/ready")
    return page if isinstance(page, Result) else ok(f"{url} is ready")


async def _targets(c: Context) -> Result:
    data = await _api(c, "targets?state=active")
    return data if isinstance(data, Result) else targets(data)


def targets(data: Mapping[str, Any]) -> Result:
    """What ``/api/v1/targets`` tells."""
    active = _records(data.get("activeTargets"))
    if not active:
        return fail("it scrapes nothing", "see whether docker/prometheus/targets names any target", "targets")
    named = [(_label(target, "job"), _label(target, "instance"), str(target.get("health"))) for target in active]
    down = [
        f"{job} {instance} is {health}: {_short(target.get('lastError')) or 'not scraped yet'}"
        for (job, instance, health), target in zip(named, active, strict=True)
        if health != "up"
    ]
    if down and all(job == LOOP_JOB for job, _, health in named if health != "up"):
        return warn(
            f"{len(active) - len(down)} up; {down[0]}", "it is up while a loop talks: nothing to do without one"
        )
    if down:
        more = f"\nand {len(down) - MOST} more" if len(down) > MOST else ""
        return fail(
            "\n".join(down[:MOST]) + more, "start what is down, or take it out of docker/prometheus/targets", "all up"
        )
    return ok(f"{len(active)} up: {', '.join(sorted({job for job, _, _ in named})[:MOST])}")


async def _rules(c: Context) -> Result:
    data = await _api(c, "rules")
    return data if isinstance(data, Result) else rules(data)


def rules(data: Mapping[str, Any]) -> Result:
    """What ``/api/v1/rules`` tells: whether rules are loaded and can be evaluated, and which alerts fire."""
    loaded = [rule for group in _records(data.get("groups")) for rule in _records(group.get("rules"))]
    if not loaded:
        return fail(
            "no rule is loaded", "promtool check config docker/prometheus/prometheus.yml  # see its rule_files", "rules"
        )
    bad = [
        f"{_short(rule.get('name'))}: {_short(rule.get('lastError')) or rule.get('health')}"
        for rule in loaded
        if rule.get("health") == "err"
    ]
    if bad:
        return fail(
            "\n".join(bad[:MOST]), "promtool check rules docker/prometheus/rules/*.yml", "every rule can be evaluated"
        )
    firing = [_short(rule.get("name")) for rule in loaded if rule.get("state") == "firing"]
    if firing:
        fix = "docs/monitoring.md tells of each; Prometheus' page /alerts has its values"
        return warn(f"{len(loaded)} rules; firing: {', '.join(firing[:MOST])}", fix)
    alerts = sum(rule.get("type") == "alerting" for rule in loaded)
    return ok(f"{len(loaded)} rules, {alerts} of them alerts, none fires")


async def _grafana(c: Context) -> Result:
    url = c.settings.stack.grafana
    if url is None:
        return skip("not named: stack.grafana")
    page = await _page(c, f"{url}/api/health")
    if isinstance(page, Result):
        return page
    told = _told(page)
    if not isinstance(told, dict) or told.get("database") != "ok":
        return fail(
            f"{url} answers, but its database is not well", "docker compose -p sophia logs grafana", "database ok"
        )
    return ok(f"{url}, version {_short(told.get('version'))}")


async def _sources(c: Context) -> Result:
    told = await _grafana_api(c, "datasources")
    if isinstance(told, Result):
        return told
    sources = _records(told)
    if not any(source.get("type") == "prometheus" for source in sources):
        return fail(
            "there is no Prometheus among them",
            "docker compose -p sophia logs grafana  # why it did not load provisioning/datasources",
            "Prometheus",
        )
    sick = []
    for source in sources[:MOST]:
        if source.get("type") not in ("prometheus", "tempo"):
            continue
        health = await _grafana_api(c, f"datasources/uid/{_short(source.get('uid'))}/health")
        good = isinstance(health, dict) and health.get("status") == "OK"
        if not good:
            said = health.get("message") if isinstance(health, dict) else getattr(health, "found", "no answer")
            sick.append(f"{_short(source.get('name'))}: {_short(said)}")
    if sick:
        return fail(
            "\n".join(sick),
            "look at its address in docker/grafana/provisioning/datasources/datasources.yaml",
            "all reached",
        )
    return ok(", ".join(f"{_short(source.get('name'))} ({_short(source.get('type'))})" for source in sources[:MOST]))


async def _dashboards(c: Context) -> Result:
    told = await _grafana_api(c, "search?type=dash-db")
    if isinstance(told, Result):
        return told
    titles = [_short(found.get("title")) for found in _records(told)]
    return (
        ok(", ".join(titles[:MOST]))
        if titles
        else fail(
            "there is none",
            "docker compose -p sophia logs grafana  # why it did not load provisioning/dashboards",
        )
    )


async def _grafana_api(c: Context, path: str) -> Any:
    stack = c.settings.stack
    if stack.grafana is None:
        return skip("not named: stack.grafana")
    if stack.grafana_token_file is None:
        return skip("not looked at: Grafana tells only those with a token, see stack.grafana_token_file")
    try:
        token = stack.grafana_token_file.read_text(encoding="ascii").strip()[:1000]
    except (OSError, ValueError):
        return fail(f"{stack.grafana_token_file} cannot be read as a token", "write the token into it, mode 0600")
    page = await _page(c, f"{stack.grafana}/api/{path}", {"Authorization": f"Bearer {token}"})
    return page if isinstance(page, Result) else _told(page)


async def _api(c: Context, path: str) -> Any:
    url = c.settings.stack.prometheus
    if url is None:
        return skip("not named: stack.prometheus")
    page = await _page(c, f"{url}/api/v1/{path}")
    if isinstance(page, Result):
        return page
    told = _told(page)
    data = told.get("data") if isinstance(told, dict) else None
    return data if isinstance(data, dict) else fail(f"{url} answers, but not as Prometheus does", "correct its address")


async def _page(c: Context, url: str, headers: Mapping[str, str] | None = None) -> Page | Result:
    """The page, or what is wrong with it."""
    try:
        page = await get(url, tls=c.settings.stack.tls, headers=headers)
    except WebTrouble as trouble:
        return fail(f"{url}: {trouble}", trouble.fix or START_MONITORING)
    if page.status in (401, 403):
        return fail(f"{url}: it does not let us in (HTTP {page.status})", "make a new token with the role Viewer")
    return page if page.status == 200 else fail(f"{url}: HTTP {page.status}", START_MONITORING, "HTTP 200")


def _told(page: Page) -> Any:
    """The page's JSON; None if it is none."""
    try:
        return page.json()
    except WebTrouble:
        return None


def _records(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value[:5000] if isinstance(entry, dict)] if isinstance(value, list) else []


def _label(target: Mapping[str, Any], name: str) -> str:
    labels = target.get("labels")
    return _short(labels.get(name)) if isinstance(labels, dict) else ""


def _short(value: object) -> str:
    return " ".join(printable(str(value)).split())[:160] if value is not None else ""


MONITORING: Final = (
    _exporter("node_exporter", "node exporter", "node_", "tells the memory, the GPU's too where it is unified"),
    _exporter("dcgm_exporter", "DCGM exporter", "DCGM_FI_", "tells the GPUs' temperature, load and memory"),
    *(
        Check("framework", "monitoring", key, title, why, probe, 20.0)
        for key, title, why, probe in (
            ("prometheus", "Prometheus", "without it there are no alerts", _prometheus),
            ("targets", "Prometheus' targets", "what is not scraped is not watched", _targets),
            ("rules", "Prometheus' rules", "they are the alerts", _rules),
            ("grafana", "Grafana", "shows what Prometheus keeps", _grafana),
            ("datasources", "Grafana's data sources", "without them every panel is empty", _sources),
            ("dashboards", "Grafana's dashboards", "what people look at", _dashboards),
            ("collector", "collector", "without it no turn can be followed through the services", _collector),
        )
    ),
)
"""In the order in which they are shown."""
