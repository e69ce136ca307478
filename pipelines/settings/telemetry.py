"""What can be set about telemetry. Nothing is imported here that a start without telemetry would have to pay for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_ADDRESS = re.compile(r"^https?://[^/?#\s]+/?$")


class TelemetrySettings(BaseModel):
    """Where spans and metrics go. Headers with secrets belong into ``OTEL_EXPORTER_OTLP_HEADERS``, not here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exporter: Literal["none", "console", "otlp", "json"] = Field(
        "none", description="where spans go: none, console (standard error), otlp (a collector), json (a file)"
    )
    endpoint: str = Field(
        "http://127.0.0.1:4317",
        description="the collector for otlp over gRPC; https:// for TLS, http:// only to this machine",
    )
    credentials: SecretStr | None = Field(
        None,
        exclude=True,
        description="user:password for the collector; also taken out of an endpoint that holds them (user:password@)",
    )
    ca: Path | None = Field(None, description="CA certificate (PEM) of an https:// collector; default: the system's")
    insecure: bool = Field(False, description="allow an http:// collector on another machine, in the clear")
    file: Path = Field(Path("spans.jsonl"), description="the file for json: one span for each line, appended")
    capture_content: bool = Field(
        False, description="put what was said into spans: transcripts, replies, the words behind a decision"
    )
    metrics_port: int = Field(0, ge=0, le=65535, description="port of /metrics for Prometheus; 0: off")
    metrics_host: str = Field("127.0.0.1", description="address that /metrics binds", min_length=1)
    service_name: str = Field("sophia", description="service.name in spans and metrics", min_length=1, max_length=100)

    @model_validator(mode="before")
    @classmethod
    def _passwords_are_no_part_of_an_address(cls, values: Any) -> Any:
        """Whoever shows or records the endpoint shows no password."""
        endpoint = values.get("endpoint") if isinstance(values, dict) else None
        if not isinstance(endpoint, str) or "@" not in endpoint:
            return values
        userinfo, _, host = endpoint.rpartition("@")
        scheme, slashes, credentials = userinfo.partition("//")
        if not slashes or "/" in credentials:  # it is no address at all
            return values
        return {"credentials": unquote(credentials), **values, "endpoint": f"{scheme}{slashes}{host}"}

    @field_validator("endpoint")
    @classmethod
    def _is_address(cls, endpoint: str) -> str:
        if not _ADDRESS.match(endpoint):
            raise ValueError("write it as https://host:port, without a path or a query")
        return endpoint

    @model_validator(mode="after")
    def _clear_text_stays_on_this_machine(self) -> Self:
        parts = urlsplit(self.endpoint)
        if parts.scheme != "http" or parts.hostname in LOOPBACK:
            return self
        if not self.insecure:
            raise ValueError(
                f"endpoint {self.endpoint} is on another machine and not encrypted: use https://, or set insecure: true"
            )
        if self.credentials is not None:
            raise ValueError("credentials are only sent over TLS, and the endpoint is http:// on another machine")
        return self
