"""The GPU's figures from a DCGM exporter's ``/metrics``, for services that run on another machine than the loop.

The exporter asks its GPUs only every so often (``DCGM_EXPORTER_INTERVAL``, 30 s by default); the counters are no finer
than that. What it sends is not trusted: the page is bounded in time, size and number of GPUs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Final

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from pipelines.machine.gpu import MEMORY, POWER, TEMPERATURE, UTILISATION, GpuAbsent, quantity
from pipelines.machine.series import Quantity

DEFAULT_URL: Final = "http://localhost:9400/metrics"
"""Where the exporter's own documentation puts it."""

FETCH_SECONDS: Final = 1.0
"""How long a page may take, all in all."""

MOST_BYTES: Final = 2**20
"""Size of a page at most. What is longer is no exporter's."""

MOST_IN_A_LINE: Final = 4096
MOST_GPUS: Final = 16

FIELDS: Final[Mapping[str, str]] = {
    "DCGM_FI_DEV_GPU_UTIL": UTILISATION,
    "DCGM_FI_DEV_FB_USED": MEMORY,  # MiB; absent where memory is unified
    "DCGM_FI_DEV_POWER_USAGE": POWER,
    "DCGM_FI_DEV_GPU_TEMP": TEMPERATURE,
}
"""The exporter's names, from its default set of counters, with the units of :data:`pipelines.machine.gpu.UNITS`."""

_NAMES = tuple(FIELDS)


class DcgmExporter:
    """A :class:`pipelines.machine.gpu.GpuSource` that fetches ``url`` each time it is asked.

    Raises ``ValueError`` for a ``url`` that is none.
    """

    def __init__(self, url: str = DEFAULT_URL) -> None:
        try:
            parsed = httpx2.URL(url)
        except (httpx2.InvalidURL, TypeError) as error:
            raise ValueError(f"{url!r} is no address of a DCGM exporter ({error}); write {DEFAULT_URL}") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError(f"{url!r} is no address of a DCGM exporter; write it like {DEFAULT_URL}")
        self._url = parsed
        self._where = f"{parsed.host}:{parsed.port or {'http': 80, 'https': 443}[parsed.scheme]}"  # no password in it
        # The environment's proxies are for the web, not for a machine of the lab.
        self._client = httpx2.Client(timeout=FETCH_SECONDS, trust_env=False, follow_redirects=False)

    def read(self) -> Mapping[Quantity, float]:
        found = parse(self._fetched())
        if not found:
            raise GpuAbsent(f"{self._where} answers, but with none of {', '.join(_NAMES)}: is it a DCGM exporter?")
        return found

    def notes(self) -> list[str]:
        return []

    def close(self) -> None:
        self._client.close()

    def _fetched(self) -> str:
        deadline = time.monotonic() + FETCH_SECONDS
        page = bytearray()
        try:
            with self._client.stream("GET", self._url, headers={"Accept": "text/plain"}) as response:
                if response.status_code != httpx2.codes.OK:
                    raise GpuAbsent(f"the DCGM exporter at {self._where} answers with status {response.status_code}")
                for chunk in response.iter_bytes():
                    page += chunk
                    if len(page) > MOST_BYTES:
                        raise GpuAbsent(f"{self._where} sends more than {MOST_BYTES} bytes: is it a DCGM exporter?")
                    if time.monotonic() > deadline:
                        raise GpuAbsent(f"the DCGM exporter at {self._where} takes more than {FETCH_SECONDS:g} s")
        except httpx2.HTTPError as error:
            raise GpuAbsent(f"no DCGM exporter answers at {self._where} ({error or type(error).__name__})") from None
        return page.decode(errors="replace")


def parse(page: str) -> dict[Quantity, float]:
    """The figures on an exporter's page, by GPU. Lines that are none of ours, or none at all, are passed over.

    Where a GPU has a figure several times (one for each pod, say), the largest counts.
    """
    found: dict[Quantity, float] = {}
    for line in page.splitlines():
        if not line.startswith(_NAMES) or len(line) > MOST_IN_A_LINE:
            continue
        try:
            samples = [sample for family in text_string_to_metric_families(line) for sample in family.samples]
        except (ValueError, KeyError, IndexError):  # what the parser raises for lines that are no samples
            continue
        for sample in samples:
            gpu, what = sample.labels.get("gpu", ""), FIELDS.get(sample.name)
            if what is None or not gpu.isascii() or not gpu.isdecimal() or len(gpu) > 3 or int(gpu) >= MOST_GPUS:
                continue
            if math.isfinite(sample.value):
                key = quantity(int(gpu), what)
                found[key] = max(found.get(key, sample.value), sample.value)
    return found
