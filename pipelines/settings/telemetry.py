"""What can be set about telemetry. Nothing is imported here that a start without telemetry would have to pay for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class TelemetrySettings(BaseModel):
    """Where spans and metrics go. Headers with secrets belong into ``OTEL_EXPORTER_OTLP_HEADERS``, not here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exporter: Literal["none", "console", "otlp", "json"] = Field(
        "none", description="where spans go: none, console (standard error), otlp (a collector), json (a file)"
    )
    endpoint: str = Field(
        "http://127.0.0.1:4317",
        description="the collector for otlp over gRPC; https:// for TLS, http:// only to this machine",
        pattern=r"^https?://[^/\s]+/?$",
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

    @model_validator(mode="after")
    def _clear_text_stays_on_this_machine(self) -> Self:
        parts = urlsplit(self.endpoint)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.insecure:
            raise ValueError(
                f"endpoint {self.endpoint} is on another machine and not encrypted: use https://, or set insecure: true"
            )
        return self
