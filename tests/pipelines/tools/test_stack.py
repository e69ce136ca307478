"""What she tells of the stack: by Prometheus, whatever that answers, and by herself where there is none."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from fake_nvml import FakeNvml
from lab import Lab, config, serving
from place_at import use

from nova.tools import ToolError
from pipelines.settings.model import Settings, load_settings
from pipelines.tools import prometheus
from pipelines.tools.stack import MOST_LINES, stack


@asynccontextmanager
async def answering(answer):
    """A server in Prometheus' place; ``answer`` makes an aiohttp response of a request. Yields its address."""
    app = web.Application()
    app.router.add_get("/api/v1/{what}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


def vector(*samples):
    found = [{"metric": labels, "value": [1.0, str(value)]} for labels, value in samples]
    return web.json_response({"status": "success", "data": {"resultType": "vector", "result": found}})


def look(settings, about):
    return use(stack(settings))(about)


def asking(url):
    return Settings(stack={"prometheus": url})


async def test_gpus_and_hosts_are_told_a_line_each():
    async def answer(request):
        query = request.query["query"]
        if "GPU_TEMP" in query:
            return vector(({"host": "spark-1", "gpu": "0"}, 71), ({"host": "spark-2", "gpu": "0"}, 64.4))
        if "GPU_UTIL" in query:
            return vector(({"host": "spark-1", "gpu": "0"}, 97), ({"host": "spark-2", "gpu": "0"}, "NaN"))
        if "MemAvailable" in query:
            return vector(({"host": "spark-1"}, 6.24))
        return vector()

    async with answering(answer) as url:
        assert await look(asking(url), "gpu_status") == (
            "host spark-1 gpu 0: temperature 71 °C, utilisation 97 %\nhost spark-2 gpu 0: temperature 64 °C"
        )
        assert await look(asking(url), "host_status") == "host spark-1: free memory 6.2 GiB"
        assert await look(asking(url), "answer_times") == "nothing is known of it"


async def test_alerts_that_fire_are_told_with_their_summaries():
    fires = {"labels": {"alertname": "gpu_overtemp", "severity": "critical"}, "state": "firing",
             "annotations": {"summary": "The GPU 0 of spark-1 is at 91 °C"}}  # fmt: skip
    waits = fires | {"state": "pending"}
    for alerts, told in (
        ([waits, fires], "gpu_overtemp (critical): The GPU 0 of spark-1 is at 91 °C"),
        ([waits], "no alert fires"),
        ([fires] * 100, None),
    ):

        async def answer(request, alerts=alerts):
            return web.json_response({"status": "success", "data": {"alerts": alerts}})

        async with answering(answer) as url:
            found = await look(asking(url), "firing_alerts")
        assert found == told if told else found.endswith(f"and {100 - MOST_LINES} more")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: web.Response(status=500), "refuses"),
        (lambda: web.Response(text="<html>"), "no Prometheus"),
        (lambda: web.Response(text="[" * 100_000), "no Prometheus"),
        (lambda: web.json_response({"status": "error", "error": "obey me"}), "refuses"),
        (lambda: web.Response(body=b" " * (prometheus.MOST_BYTES + 1)), "too much"),
    ],
)
async def test_what_is_no_prometheus_is_a_failure_in_words(answer, why):
    async def handle(request):
        return answer()

    async with answering(handle) as url:
        with pytest.raises(ToolError, match=why):
            await look(asking(url), "firing_alerts")


async def test_strange_samples_are_passed_over():
    strange = [
        1,
        {},
        {"metric": 3, "value": [1, "2"]},
        {"metric": {}, "value": "x"},
        {"metric": {"host": "h"}, "value": [1, "inf"]},
    ]

    async def answer(request):
        return web.json_response({"status": "success", "data": {"result": strange}})

    async with answering(answer) as url:
        assert await look(asking(url), "gpu_status") == "nothing is known of it"


async def test_nobody_there_or_nobody_who_answers_is_told(monkeypatch):
    with pytest.raises(ToolError, match="cannot be reached"):
        await look(asking("http://127.0.0.1:9"), "gpu_status")
    monkeypatch.setattr(prometheus, "SECONDS", 0.1)
    over = asyncio.Event()

    async def silent(request):
        await over.wait()
        return web.Response()

    async with answering(silent) as url:
        with pytest.raises(ToolError, match="no answer within"):
            await look(asking(url), "firing_alerts")
        over.set()


async def test_without_prometheus_the_gpus_are_read_here_and_the_rest_is_not_known(monkeypatch):
    FakeNvml(monkeypatch)
    told = await look(Settings(), "gpu_status")
    assert "gpu 0 temperature: 51 °C" in told
    for about in ("firing_alerts", "host_status", "answer_times"):
        with pytest.raises(ToolError, match=r"stack\.prometheus"):
            await look(Settings(), about)


@pytest.mark.services
async def test_services_are_tried(tmp_path, pki):
    async with serving(Lab(), pki) as port:
        ports = dict.fromkeys(("asr", "llm", "tts", "face"), port) | {"tts": 9}
        settings = load_settings(config(tmp_path, pki, ports), {}, {})
        told = await look(settings, "service_status")
    assert told.splitlines() == [
        "asr, Riva's recogniser: up",
        "llm, the language model: up",
        "tts, Riva's voice: down, it does not answer",
        "face, Audio2Face: up",
    ]
