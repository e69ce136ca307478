"""What can be set about tools that run elsewhere: MCP servers, agents that take minutes, and what needs a yes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from pipelines.settings.endpoint import Endpoint, TlsSettings

_NAME = re.compile(r"^(?=.{1,24}$)[a-z][a-z0-9]*(_[a-z0-9]+)*$")


def _named(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("a name has up to 24 small letters and digits, with single _ between them, such as home_2")
    return name


Name = Annotated[str, AfterValidator(_named)]
"""A name that also begins those of tools, which models may spell with letters, digits and ``_`` alone."""

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""A tool's name, in which ``*`` stands for anything."""

Approve = Literal["always", "never"]
"""Whether she asks the user before a tool runs."""

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


class McpServerSettings(BaseModel):
    """A server of the Model Context Protocol: a program that is started here, or an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str | None = Field(None, min_length=1, description="program that is started and talked to by its pipes")
    args: tuple[str, ...] = Field((), description="the arguments of command")
    env: dict[str, str] = Field(
        default_factory=dict, description="further environment of command; of ours it gets PATH, HOME and the locale"
    )
    env_files: dict[str, Path] = Field(
        default_factory=dict,
        description="variables of command whose values are secrets, each with the file that has it",
    )
    cwd: Path | None = Field(None, description="folder that command runs in")
    url: str | None = Field(None, description="address of a server that speaks streamable HTTP")
    headers: dict[str, str] = Field(default_factory=dict, description="further headers of each request to url")
    api_key_file: Path | None = Field(
        None, description="file that holds the API key, sent as 'authorization: Bearer …' over TLS only"
    )
    ca: Path | None = Field(None, description="authorities to trust; without it those of the public web")
    allow: tuple[Pattern, ...] = Field(("*",), description="its tools that the model is told of, such as get_*")
    reads: tuple[Pattern, ...] = Field(
        (), description="those that change nothing: they may run on a guess, and nobody is asked before"
    )
    slow: tuple[Pattern, ...] = Field((), description="those that may take minutes: they run beside the talk")
    seconds: float = Field(10.0, gt=0, le=120, description="how long a call may take")
    minutes: float = Field(10.0, gt=0, le=240, description="how long a call of a slow tool may take")
    start_seconds: float = Field(20.0, gt=0, le=120, description="how long it may take to start and to list its tools")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("name a command that is started, or the url of a server that runs, and not both")
        if self.url is not None:
            if self.args or self.env or self.env_files or self.cwd:
                raise ValueError("args, env, env_files and cwd belong to a command")
            if self.api_key_file and not self.url.startswith("https:"):
                raise ValueError("an API key is only sent over https")
            self.endpoint  # noqa: B018 - raises what is wrong with it
        elif self.headers or self.api_key_file or self.ca:
            raise ValueError("headers, api_key_file and ca belong to a url")
        wrong = next((name for name in (*self.env, *self.env_files) if not _VARIABLE.match(name)), None)
        if wrong is not None:
            raise ValueError(f"{wrong!r} cannot be the name of a variable")
        return self

    @property
    def endpoint(self) -> Endpoint:
        """Where ``url`` is; raises ``ValueError`` for an address that cannot be one."""
        parts = urlsplit(self.url or "")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("write the url as http(s)://host:port/path, for example http://localhost:3001/mcp")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        secured = parts.scheme == "https"
        return Endpoint(
            target=f"{host}:{parts.port or (443 if secured else 80)}",
            tls=TlsSettings(enabled=secured, ca=self.ca),
            api_key_file=self.api_key_file,
            metadata={name.lower(): value for name, value in self.headers.items()},
        )


class AgentSettings(BaseModel):
    """Somebody behind her who may take minutes: any model or agent behind an OpenAI-compatible server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(
        min_length=1, max_length=500, description="what it can do, as the model is told that may ask it"
    )
    model: str = Field(min_length=1, description="name of the model on its server")
    endpoint: Endpoint = Field(default_factory=Endpoint, description="where its server is")
    instructions: str = Field("", max_length=4000, description="who it is and how it answers: its system message")
    minutes: float = Field(10.0, gt=0, le=240, description="how long it may take")
