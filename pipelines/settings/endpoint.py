"""Where a service is and how to reach it: the settings of one connection. Nothing here connects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.settings.proxies import HTTP, HTTPS, RPC, is_own, proxy_before
from pipelines.settings.secrets import is_secret

_TARGET = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})$")
_METADATA_KEY = re.compile(r"^[0-9a-z_.-]+$")  # what HTTP/2 headers of gRPC may be named


def checked_target(text: str, example: str) -> str:
    """``text`` if it is a host with a port; else raises ``ValueError``, which shows the ``example``."""
    found = _TARGET.match(text)
    if not found or not 1 <= int(found[2]) <= 65535:
        raise ValueError(f"write it as host:port, for example {example}")
    return text


def host_and_port(target: str) -> tuple[str, int]:
    """The two parts of a target, the host without brackets."""
    host, _, port = target.rpartition(":")
    return host.strip("[]"), int(port)


class TlsSettings(BaseModel):
    """How the connection is secured. Files are PEM; relative paths count from the configuration file's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="TLS; plaintext only where the network itself is trusted")
    ca: Path | None = Field(None, description="authorities to trust; without it those of the public web")
    cert: Path | None = Field(None, description="our certificate, for mutual TLS; needs key as well")
    key: Path | None = Field(None, description="the private key of cert")
    server_name: str | None = Field(
        None, min_length=1, description="name to expect in the server's certificate, where it is not the target's host"
    )

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together: set both (mutual TLS) or neither")
        return self


class Endpoint(BaseModel):
    """One gRPC or HTTP service: its address, how it is secured, what we identify ourselves with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = Field("localhost:50051", description="host:port of the service, [address]:port for IPv6")
    tls: TlsSettings = Field(default_factory=TlsSettings, description="how the connection is secured")
    api_key_file: Path | None = Field(
        None, description="file that holds the API key, sent as 'authorization: Bearer …' over TLS only"
    )
    api_key_env: str | None = Field(
        None,
        min_length=1,
        description="environment variable that holds the API key, or with _FILE behind its name the file that does",
    )
    metadata: dict[str, str] = Field(
        default_factory=dict, description="further metadata for each call, such as a function-id"
    )
    connect_seconds: float = Field(3.0, gt=0, le=60, description="how long connecting may take")
    keepalive_seconds: float = Field(
        0.0,
        ge=0,
        le=7200,
        description="time between keepalive pings; 0 sends none, and servers we don't run allow no less than 300",
    )

    @field_validator("target")
    @classmethod
    def _is_target(cls, target: str) -> str:
        return checked_target(target, "riva.lab:50051 or [::1]:50051")

    @field_validator("keepalive_seconds")
    @classmethod
    def _polite(cls, seconds: float) -> float:
        if 0 < seconds < 300:  # gRPC servers answer more frequent pings with GOAWAY "too many pings"
            raise ValueError("use 0 for none, or 300 and more: servers cut off clients that ping more often")
        return seconds

    @field_validator("metadata")
    @classmethod
    def _sendable(cls, metadata: dict[str, str]) -> dict[str, str]:
        for key, value in metadata.items():
            if not _METADATA_KEY.match(key) or key.startswith("grpc-") or key.endswith("-bin"):
                raise ValueError(f"{key!r} cannot be a metadata key: use lower-case letters, digits, '-', '_', '.'")
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"the value of {key!r} holds characters that cannot be sent")
        return metadata

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key_file is not None and self.api_key_env is not None:
            raise ValueError("set api_key_file or api_key_env, not both")
        if not self.tls.enabled and (self.api_key_file or self.api_key_env):
            raise ValueError("an API key is only sent over TLS, and tls.enabled is false")
        secret = next((key for key in self.metadata if is_secret((key,))), None)
        if secret and not self.tls.enabled and not is_own(self.host):
            raise ValueError(
                f"metadata {secret!r} is only sent over TLS or to this machine, and tls.enabled is false; "
                "turn it on, or leave the key out"
            )
        return self

    @property
    def host(self) -> str:
        """The host part of the target, without brackets."""
        return host_and_port(self.target)[0]

    @property
    def port(self) -> int:
        """The port part of the target."""
        return host_and_port(self.target)[1]

    def proxy(self, rpc: bool) -> str:
        """The proxy that the environment puts before it, for gRPC (``rpc``) or HTTP; empty if there is none."""
        return proxy_before(self.host, RPC if rpc else HTTPS if self.tls.enabled else HTTP)
