"""The tools that look at the machines and services around her: how hot the GPUs are, what is up, which alerts fire.

A fixed set of questions, each with its own queries: a model writes no query here. Prometheus is asked where the
settings name one (``stack.prometheus``). Without it the GPUs of this machine are read, and services tried.
"""

from __future__ import annotations

import asyncio

from nova.functions import tool
from nova.tools import Tool, ToolError
from pipelines.machine.counters import find_gpu
from pipelines.machine.gpu import GpuAbsent
from pipelines.services.channels import metadata_for, open_channel, open_http, warm
from pipelines.services.connect import endpoints
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import Settings
from pipelines.tools.prometheus import Prometheus, Sample

SECONDS = 9.0
"""How long a look may take."""

CONNECT_SECONDS = 2.0
GPU_SECONDS = 3.0
MOST_LINES = 24

SERVICES = {"asr": "Riva's recogniser", "llm": "the language model", "tts": "Riva's voice", "face": "Audio2Face"}

_GPU = "max by (host, gpu) ({})"
GPUS = (
    ("temperature", "°C", _GPU.format("DCGM_FI_DEV_GPU_TEMP")),
    ("utilisation", "%", _GPU.format("DCGM_FI_DEV_GPU_UTIL")),
    ("power", "W", _GPU.format("DCGM_FI_DEV_POWER_USAGE")),
    (
        "memory in use",
        "%",  # where the GPU has a memory of its own
        _GPU.format("100 * DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE > 0)"),
    ),
)
"""What is told of GPUs: its name, its unit and its query."""

HOSTS = (
    ("processor load", "%", '100 * (1 - avg by (host) (rate(node_cpu_seconds_total{mode="idle"}[2m])))'),
    ("free memory", "GiB", "max by (host) (node_memory_MemAvailable_bytes) / 2^30"),
    (
        "fullest disk",
        "% used",
        '100 * max by (host) (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs"}'
        " / node_filesystem_size_bytes)",
    ),
)

_QUANTILE = "histogram_quantile({}, sum by (le) (increase(sophia_voice_to_voice_seconds_bucket[1h])))"
TURNS = (
    ("turns in the last hour", "", "sum(increase(sophia_turns_total[1h]))"),
    ("half of the answers came within", "s", _QUANTILE.format("0.5")),
    ("95 % of the answers came within", "s", _QUANTILE.format("0.95")),
)


def stack(settings: Settings) -> tuple[Tool, ...]:
    """The tools, for the stack of these settings."""
    prometheus = Prometheus(settings.stack.prometheus, settings.stack.tls) if settings.stack.prometheus else None

    @tool(reads=True, seconds=SECONDS)
    async def gpu_status() -> str:
        """How hot and how busy the GPUs are, their memory and power."""
        return _told(await _figures(prometheus, GPUS, "host", "gpu") if prometheus else await _gpus_here())

    @tool(reads=True, seconds=SECONDS)
    async def service_status() -> str:
        """Which services are up and which are down: Riva, the language model, Audio2Face, exporters."""
        http = {"llm"} if settings.llm.backend != "triton" else set()
        places = endpoints(settings).items()
        tried = await asyncio.gather(*(_tried(name, place, http=name in http) for name, place in places))
        up = await prometheus.query("min by (job, host) (up)") if prometheus else []
        return _told([*tried, *(f"{one.of('job', 'host')}: {'up' if one.value else 'down'}" for one in up)])

    @tool(reads=True, seconds=SECONDS)
    async def firing_alerts() -> str:
        """Which alerts of the monitoring fire now."""
        firing = await _wanted(prometheus).firing()
        lines = [": ".join(filter(None, (f"{name} ({severity})", said))) for name, severity, said in firing]
        return _told(lines or ["no alert fires"])

    @tool(reads=True, seconds=SECONDS)
    async def host_status() -> str:
        """How the machines are: processor load, free memory, disks."""
        return _told(await _figures(_wanted(prometheus), HOSTS, "host"))

    @tool(reads=True, seconds=SECONDS)
    async def answer_times() -> str:
        """How quick your own answers were in the last hour."""
        return _told(await _figures(_wanted(prometheus), TURNS))

    return gpu_status, service_status, firing_alerts, host_status, answer_times


def _told(lines: list[str]) -> str:
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return "\n".join(lines[:MOST_LINES] + more) or "nothing is known of it"


def _wanted(prometheus: Prometheus | None) -> Prometheus:
    if prometheus is None:
        raise ToolError("only Prometheus would know, and the settings name none (stack.prometheus)")
    return prometheus


async def _figures(prometheus: Prometheus, what: tuple[tuple[str, str, str], ...], *labels: str) -> list[str]:
    """A line for each thing that has figures, such as a GPU, with all that is known of it."""
    answers = await asyncio.gather(*(prometheus.query(query) for _, _, query in what))
    found: dict[str, list[str]] = {}
    for (name, unit, _), samples in zip(what, answers, strict=True):
        for sample in samples:
            found.setdefault(sample.of(*labels), []).append(f"{name} {_figure(sample)} {unit}".strip())
    return [f"{where}: {', '.join(figures)}" if where else ", ".join(figures) for where, figures in found.items()]


def _figure(sample: Sample) -> str:
    return (
        f"{sample.value:.0f}" if abs(sample.value) >= 10 or sample.value == int(sample.value) else f"{sample.value:.2g}"
    )


async def _gpus_here() -> list[str]:
    """This machine's own GPUs, by the driver or a DCGM exporter beside it."""

    def read() -> list[str]:
        gpu = find_gpu()
        try:
            return [f"{about.name}: {value:.0f} {about.unit}" for about, value in gpu.read().items()]
        finally:
            gpu.close()

    try:
        async with asyncio.timeout(GPU_SECONDS):
            return await asyncio.to_thread(read)
    except GpuAbsent as absent:
        raise ToolError(f"no GPU can be read here: {absent}") from None
    except TimeoutError:
        raise ToolError(f"the GPUs give no answer within {GPU_SECONDS:g} seconds") from None


async def _tried(name: str, place: Endpoint, *, http: bool) -> str:
    """Whether a service answers now, over a connection of its own."""
    called = f"{name}, {SERVICES[name]}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS + 0.5):
            if http:
                async with open_http(place) as client:
                    await client.get("/")  # whatever it says, it is there
                return f"{called}: up"
            async with open_channel(place) as channel:
                health = await warm(channel, CONNECT_SECONDS, metadata_for(place)())
    except Exception:  # whatever it is, the service cannot be used now
        return f"{called}: down, it does not answer"
    return f"{called}: {'up, but not serving yet' if health == 'not serving' else 'up'}"
