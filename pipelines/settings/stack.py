"""Where the stack around the loop is, and how quick a turn has to be. Only the doctor reads this."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.settings.endpoint import TlsSettings

_WEB = r"^https?://[^/\s?#@]+(/[^\s?#]*)?$"


class StackSettings(BaseModel):
    """What the doctor looks at besides the loop's own services; what is not named is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    manifest: str | None = Field(
        None,
        min_length=1,
        description="what is expected of this machine: a path, or a bare name of configs/stack/; without it that of a "
        "DGX where one is seen, else laptop.yaml",
    )
    prometheus: str | None = Field(None, description="Prometheus, such as http://127.0.0.1:9090", pattern=_WEB)
    grafana: str | None = Field(None, description="Grafana, such as http://127.0.0.1:3000", pattern=_WEB)
    grafana_token_file: Path | None = Field(
        None, description="file that holds a token of a Grafana service account with the role Viewer"
    )
    dcgm_exporter: str | None = Field(None, description="DCGM exporter, such as http://127.0.0.1:9400", pattern=_WEB)
    node_exporter: str | None = Field(None, description="node exporter, such as http://127.0.0.1:9100", pattern=_WEB)
    triton_http: str | None = Field(None, description="Triton's HTTP port, such as http://127.0.0.1:8000", pattern=_WEB)
    kit: str | None = Field(None, description="a page of the Kit application that answers when it is up", pattern=_WEB)
    tempo: str | None = Field(None, description="Tempo's HTTP API, where traces can be looked up", pattern=_WEB)
    ca: Path | None = Field(None, description="CA certificate (PEM) of what of this is https://; default: the web's")
    cert: Path | None = Field(
        None, description="our certificate, for what of this asks clients who they are, such as the proxy; needs key"
    )
    key: Path | None = Field(None, description="the private key of cert")
    voice_to_voice: float = Field(
        1.5,
        gt=0,
        le=60,
        description="budget in seconds, from the user's last sound to her first; 1.5 is the upper end of what NVIDIA's "
        "voice agent blueprint aims at",
    )

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together: set both (mutual TLS) or neither")
        return self

    @property
    def tls(self) -> TlsSettings:
        """How what of this is https:// is reached."""
        return TlsSettings(ca=self.ca, cert=self.cert, key=self.key)

    @field_validator("prometheus", "grafana", "dcgm_exporter", "node_exporter", "triton_http", "tempo")
    @classmethod
    def _no_slash(cls, url: str | None) -> str | None:
        return url.rstrip("/") if url else url
