"""What can be set about her page: where it is served, to whom, and to how many at a time."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$", max_length=253)]
Origin = Annotated[str, Field(pattern=r"^https?://[^/?#\s@]+$")]

_HOST = re.compile(r"^[A-Za-z0-9_.:%-]+$")


class ServerSettings(BaseModel):
    """Her page and the Realtime protocol, for browsers and programs.

    On this machine's own addresses it is plain HTTP without a key. On any other address there is always TLS, and a key
    is asked for; what is not brought along is made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="serve her page beside the conversation")
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        max_length=253,
        description="address to serve on; on others than this machine's own always over TLS and with a key",
    )
    port: int = Field(8765, ge=0, le=65535, description="port of her page; 0: any that is free")
    tls: bool = Field(False, description="TLS on this machine's own addresses, too")
    cert: Path | None = Field(
        None, description="the server's certificate (PEM); default: one of the development authority; needs key"
    )
    key: Path | None = Field(None, description="the private key of cert")
    api_key_file: Path | None = Field(
        None, description="file with the key that clients must show; default: none on this machine, else one is made"
    )
    names: tuple[Name, ...] = Field((), max_length=32, description="further names by which browsers reach this machine")
    origins: tuple[Origin, ...] = Field(
        (), max_length=32, description="pages of other servers that may connect, such as https://sophia.lab"
    )
    sessions: int = Field(4, ge=0, le=1000, description="how many may talk to her at a time, beside the microphone")
    client_tools: bool = Field(
        True, description="clients may bring tools that she calls; they run at the client, so they endanger nobody here"
    )
    client_instructions: bool = Field(
        False, description="clients may tell her how to speak; their instructions stand below llm.persona"
    )
    announcements: bool = Field(
        False,
        description="programs that show the key may have her tell something to everybody who talks to her here, and "
        "Alertmanager its alerts",
    )
    drain_seconds: float = Field(
        20.0,
        ge=0,
        le=86_400,
        description="how long conversations may go on after SIGTERM, which lets nobody in any more",
    )
    watchers: int = Field(16, ge=0, le=1000, description="how many may watch the conversation at the microphone")

    @field_validator("host")
    @classmethod
    def _is_host(cls, host: str) -> str:
        if not _HOST.match(host):
            raise ValueError("write an address or a name, without a port")
        return host

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together: set both (TLS with files of your own) or neither")
        return self

    @property
    def at_home(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def secure(self) -> bool:
        """Whether it is served over TLS."""
        return self.tls or self.cert is not None or not self.at_home
