"""When the services' certificates end, for the alert that comes before they do.

The loop looks where it connects anyway, so it sees what clients see. Where a proxy stands in front of a service, that
is the proxy's certificate. A renewed file is seen only once the service has been restarted with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pipelines.services.channels import CredentialsError, PeerIdentity, identity
from pipelines.settings.endpoint import Endpoint
from pipelines.telemetry.metrics import Metrics

INTERVAL: Final = 6 * 3600.0
"""Seconds between two looks; certificates end by the day."""

LOOK_SECONDS: Final = 2.0
"""How long one look may take. A conversation that ends meanwhile waits no longer than for anything else that stops."""


async def watch_certificates(
    metrics: Metrics,
    endpoints: Mapping[str, Endpoint],
    look: Callable[[Endpoint, float], Awaitable[PeerIdentity]] = identity,
) -> None:
    """Keeps the metric of each service of ``endpoints`` that speaks TLS up to date until cancelled.

    A service that shows no certificate now keeps what was seen last; that it is down, others say.
    """
    while True:
        for service, endpoint in endpoints.items():
            if endpoint.tls.enabled:
                try:
                    peer = await look(endpoint, LOOK_SECONDS)
                except (OSError, ValueError, CredentialsError):  # ValueError: what it shows is no certificate
                    continue
                metrics.certificate(service, peer.expires.timestamp())
        await asyncio.sleep(INTERVAL)
