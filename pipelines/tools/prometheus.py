"""Asks Prometheus over its HTTP API: bounded in time and size, over TLS where the settings say so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from nova.tools import ToolError
from pipelines.services.channels import CredentialsError, ssl_context
from pipelines.settings.endpoint import TlsSettings

SECONDS = 4.0
MOST_BYTES = 1 << 20
MOST_SERIES = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """A series of an instant query: its labels, and its value now."""

    labels: Mapping[str, str]
    value: float

    def of(self, *names: str) -> str:
        """Where it is from, by these labels, as far as it has them."""
        return " ".join(f"{name} {self.labels[name]}" for name in names if self.labels.get(name))


class Prometheus:
    """The one at ``url``. Failures are :class:`~nova.tools.ToolError`, in words for the model."""

    def __init__(self, url: str, tls: TlsSettings) -> None:
        self._url = url
        self._tls = tls

    async def query(self, expression: str) -> list[Sample]:
        """What an expression of ours comes to now, series without a number left out."""
        data = await self._get("query", {"query": expression})
        found = data.get("result") if isinstance(data, dict) else None
        samples = []
        for series in found[:MOST_SERIES] if isinstance(found, list) else ():
            try:
                labels = {str(name): str(value)[:100] for name, value in series["metric"].items()}
                value = float(series["value"][1])
            except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                continue
            if isfinite(value):
                samples.append(Sample(labels, value))
        return samples

    async def firing(self) -> list[tuple[str, str, str]]:
        """The alerts that fire: name, severity and summary of each."""
        data = await self._get("alerts", {})
        alerts = data.get("alerts") if isinstance(data, dict) else None
        found = []
        for alert in alerts if isinstance(alerts, list) else ():
            if isinstance(alert, dict) and alert.get("state") == "firing":
                labels, notes = _texts(alert.get("labels")), _texts(alert.get("annotations"))
                found.append((labels.get("alertname", "?"), labels.get("severity", ""), notes.get("summary", "")))
        return found

    async def _get(self, path: str, params: Mapping[str, str]) -> Any:
        import httpx2  # noqa: PLC0415 - an HTTP client is slow to import

        try:
            secure = self._url.lower().startswith("https:")
            verify = await asyncio.to_thread(ssl_context, self._tls, "http/1.1") if secure else True
            async with (
                asyncio.timeout(SECONDS),
                httpx2.AsyncClient(verify=verify, trust_env=False, timeout=SECONDS) as client,
                client.stream("GET", f"{self._url}/api/v1/{path}", params=dict(params)) as response,
            ):
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        raise ToolError("Prometheus sends too much")
            answer = json.loads(body)
        except (TimeoutError, httpx2.TimeoutException):
            raise ToolError(f"Prometheus gives no answer within {SECONDS:g} seconds") from None
        except CredentialsError:
            raise ToolError("Prometheus' certificates cannot be used; python -m pipelines.doctor says why") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            raise ToolError("Prometheus cannot be reached; python -m pipelines.doctor says why") from None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise ToolError("what answers there is no Prometheus, or it refuses the question")
        return answer.get("data")


def _texts(found: object) -> dict[str, str]:
    return {str(name): str(value)[:300] for name, value in found.items()} if isinstance(found, dict) else {}
