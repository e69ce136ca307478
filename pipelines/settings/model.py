"""All settings of a conversation in one model: YAML files, then environment, then command line.

Each room declares its own settings beside the code that uses them; here they are put together, and each service
gets its :class:`~pipelines.settings.endpoint.Endpoint`. ``python -m pipelines.settings`` prints every key there is.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from aurora.settings import FaceSettings
from nova.generation import TritonSettings
from nova.history import LEAST_ROOM, estimate_tokens
from pipelines.home import expanded
from pipelines.settings import errors as settings_errors
from pipelines.settings.endpoint import Endpoint, checked_target
from pipelines.settings.greeting import GreetingSettings
from pipelines.settings.insights import InsightsSettings
from pipelines.settings.languages import checked_voices, with_languages
from pipelines.settings.layers import (
    Key,
    Layer,
    SettingsError,
    find_config,
    from_environment,
    from_overrides,
    read_yaml,
)
from pipelines.settings.memory import MemorySettings
from pipelines.settings.network import NetworkSettings
from pipelines.settings.secrets import is_secret, without_passwords
from pipelines.settings.server import ServerSettings
from pipelines.settings.stack import StackSettings
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.settings.tools import ToolsSettings
from sophia.microphone import MicrophoneSettings
from sophia.moods import Showing
from sophia.recognition_wire import RecognizerSettings
from sophia.soundcard import SoundCardSettings
from sophia.synthesis import SynthesizerSettings
from sophia.turn_settings import TurnSettings
from sophia.vad import VadSettings

__all__ = ["SERVICES", "Service", "Settings", "SettingsError", "find_config", "load_settings", "shareable"]

M = TypeVar("M", bound=BaseModel)

Service = Literal["asr", "llm", "tts", "face"]
SERVICES: tuple[Service, ...] = get_args(Service)
"""The services of a conversation; the project brings a stand-in for each."""

AUTO = "auto"
"""The model's name where an OpenAI-compatible server is to tell it."""

PERSONA = (
    "You are Sophia, a friendly and honest voice assistant with a face. You are heard, not read: answer in one to "
    "three short spoken sentences, without lists, markdown, emoji or stage directions. Say so when you do not know."
)


def _number_or_name(device: object) -> object:
    """Environment and command line give every value as text; a text of digits means the device's number."""
    return int(device) if isinstance(device, str) and device.isdecimal() else device


class SpeakerSection(SoundCardSettings):
    """Where her voice is played."""

    _device = field_validator("device", mode="before")(_number_or_name)


class MicrophoneSection(MicrophoneSettings):
    """The microphone and what is done to its sound before anybody listens."""

    echo: Literal["auto", "cancel", "half-duplex", "off"] = Field(
        "auto",
        description="her own voice in the microphone: cancel it (extra 'aec'), close the ear while she speaks, "
        "do nothing (headphones); auto cancels where the extra is installed, else half-duplex. Remote clients cancel "
        "their own: for them auto does nothing unless they ask for it (sophia.cancel_echo)",
    )
    cue: bool = Field(True, description="play a short soft sound when she begins to listen")
    vad: VadSettings = Field(default_factory=VadSettings, description="when a voice counts as started and stopped")

    _device = field_validator("device", mode="before")(_number_or_name)


class TritonEndpoint(Endpoint):
    """Triton's usual gRPC port."""

    target: str = Field("localhost:8001", description="host:port of the service, [address]:port for IPv6")


class FaceEndpoint(Endpoint):
    """Audio2Face-3D's usual port."""

    target: str = Field("localhost:52000", description="host:port of the service, [address]:port for IPv6")


class AsrSection(RecognizerSettings):
    """Riva speech recognition."""

    endpoint: Endpoint = Field(default_factory=Endpoint, description="where Riva's recogniser is")


class TtsSection(SynthesizerSettings):
    """Riva speech synthesis."""

    endpoint: Endpoint = Field(default_factory=Endpoint, description="where Riva's synthesiser is")


class LlmSection(TritonSettings):
    """The language model."""

    backend: Literal["triton", "triton-rest", "openai"] = Field(
        "triton", description="Triton by gRPC, Triton where only its HTTP port is open, or an OpenAI-compatible server"
    )
    model: str = Field(
        "nova",
        min_length=1,
        description="name of the model on the server; auto: the first that an OpenAI-compatible server lists",
    )
    history_tokens: int = Field(
        2048,
        ge=256,
        le=1_000_000,
        description="longest history that the model is given, persona included",
    )
    persona: str = Field(PERSONA, min_length=1, description="who she is and how she talks: the system message")
    endpoint: TritonEndpoint = Field(default_factory=TritonEndpoint, description="where the model is served")

    @field_validator("backend")
    @classmethod
    def _finds_models(cls, backend: str, info: ValidationInfo) -> str:
        if backend != "openai" and info.data.get("model") == AUTO:
            raise ValueError("llm.model auto needs backend openai; Triton's models are named")
        return backend

    @field_validator("persona")
    @classmethod
    def _leaves_room(cls, persona: str, info: ValidationInfo) -> str:
        limit = info.data.get("history_tokens")  # missing where that does not fit itself
        if limit is not None and (tokens := estimate_tokens(persona)) > limit - LEAST_ROOM:
            raise ValueError(
                f"it is about {tokens} tokens long; llm.history_tokens is {limit}, and {LEAST_ROOM} of them must "
                "remain for what is said"
            )
        return persona


class FaceSection(FaceSettings):
    """Audio2Face."""

    enabled: bool = Field(True, description="animate a face; without it she only speaks")
    endpoint: FaceEndpoint = Field(default_factory=FaceEndpoint, description="where Audio2Face-3D is")
    network: NetworkSettings = Field(default_factory=NetworkSettings, description="what animates the embedded face")
    model: Path | None = Field(
        None, description="a head of your own for the page, a GLB or VRM file; without it her own is shown"
    )
    stream: str | None = Field(
        None,
        description="host:port that gets her poses by UDP as Live Link Face sends them, for Unreal and others, such as "
        "127.0.0.1:11111; not encrypted",
    )

    @field_validator("stream")
    @classmethod
    def _is_target(cls, stream: str | None) -> str | None:
        return stream and checked_target(stream, "127.0.0.1:11111")


class Settings(BaseSettings):
    """Everything that a conversation can be told."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    language: str = Field(
        "en-US",
        description="the language of recogniser, voice and turn taking, as Riva names it; auto: the recogniser tells "
        "it, and she follows the user into those of tts.by_language",
    )
    embedded: bool | tuple[Service, ...] = Field(
        False,
        description="services that come with the project, started along: all of them, none, or those that are listed; "
        "the endpoints of the others stay",
    )
    embedded_start_seconds: float = Field(
        60.0, ge=1.0, le=3600.0, description="how long one of the project's own services may take to start"
    )
    mood: Showing = Field(
        "subtle",
        description="how much of her mood shows in face and voice: the model marks it, else a few words tell it; off: "
        "the model is not told of it",
    )
    microphone: MicrophoneSection = Field(
        default_factory=MicrophoneSection, description="microphone, voice activity and echo"
    )
    asr: AsrSection = Field(default_factory=AsrSection, description="Riva speech recognition")
    turns: TurnSettings = Field(default_factory=TurnSettings, description="turn taking")
    greeting: GreetingSettings = Field(default_factory=GreetingSettings, description="how she begins, if she does")
    llm: LlmSection = Field(default_factory=LlmSection, description="the language model")
    tts: TtsSection = Field(default_factory=TtsSection, description="Riva speech synthesis")
    face: FaceSection = Field(default_factory=FaceSection, description="Audio2Face")
    speaker: SpeakerSection = Field(default_factory=SpeakerSection, description="where her voice is played")
    server: ServerSettings = Field(default_factory=ServerSettings, description="her page, and who may see it")
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings, description="where spans and metrics go")
    insights: InsightsSettings = Field(default_factory=InsightsSettings, description="what is kept, to learn from")
    memory: MemorySettings = Field(default_factory=MemorySettings, description="what she remembers, if anything")
    tools: ToolsSettings = Field(default_factory=ToolsSettings, description="what she may do besides talking")
    stack: StackSettings = Field(default_factory=StackSettings, description="what the doctor looks at besides services")

    @model_validator(mode="before")
    @classmethod
    def _empty_groups(cls, values: Any) -> Any:
        """A section whose keys are all commented out is ``None`` in YAML and means its defaults."""
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if value is not None or key not in cls.model_fields}

    @model_validator(mode="before")
    @classmethod
    def _one_language(cls, values: Any) -> Any:
        """``language`` counts for every section that does not name its own."""
        return with_languages(values) if isinstance(values, dict) else values

    @field_validator("tts")
    @classmethod
    def _has_voices(cls, tts: TtsSection, info: ValidationInfo) -> TtsSection:
        checked_voices(tts, info.data.get("asr"), info.data.get("turns"))
        return tts

    @field_validator("embedded", mode="before")
    @classmethod
    def _are_services(cls, embedded: object) -> object:
        for name in embedded if isinstance(embedded, list | tuple) else ():
            if name not in SERVICES:
                raise ValueError(f"{name} is no service; there are {', '.join(SERVICES)}")
        return embedded

    @field_validator("llm")
    @classmethod
    def _embedded_speaks_triton(cls, llm: LlmSection, info: ValidationInfo) -> LlmSection:
        embedded = info.data.get("embedded")
        if isinstance(embedded, tuple) and "llm" in embedded and llm.backend == "openai":
            raise ValueError("the embedded llm speaks Triton's protocol; with llm.backend openai do not embed it")
        return llm

    @property
    def embedded_services(self) -> tuple[Service, ...]:
        """The services that are embedded and that a conversation would talk to, in the order of :data:`SERVICES`."""
        named = SERVICES if self.embedded is True else self.embedded or ()
        unused = {"face": not self.face.enabled, "llm": self.llm.backend == "openai"}
        return tuple(name for name in SERVICES if name in named and not unused.get(name))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: the sources are layers that remember where each value stands."""
        return (init_settings,)


_MAPPINGS = frozenset(settings_errors.free_mappings(Settings))


def load_settings(
    config: str | Path | Sequence[str | Path] | None = None,
    overrides: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of ``config`` (a path or a bare name), changed by the environment, changed by ``overrides``.

    Of several files each changes what those before it say. ``overrides`` maps dotted keys (``tts.rate``) to text. The
    key of a free mapping, such as a word to pronounce, stays as it is written.
    Relative paths in a file count from its folder, others from the working directory. Raises :class:`SettingsError`
    with one line for each mistake.
    """
    names = () if config is None else (config,) if isinstance(config, str | Path) else config
    files = [read_yaml(find_config(name)) for name in reversed(names)]
    layers = (
        from_overrides(overrides or {}, _MAPPINGS),
        from_environment(os.environ if environment is None else environment, _MAPPINGS),
        *files,
    )

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(InitSettingsSource(settings_cls, init_kwargs=_said(layer)) for layer in layers)

    try:
        loaded = Loaded()
    except ValidationError as error:
        raise SettingsError(settings_errors.lines(error.errors(), Settings, layers)) from None

    def base(key: Key) -> Path | None:
        said_by = next((layer for layer in layers if layer.origin(key)), None)
        if said_by is None:
            return None
        return Path(said_by.name).absolute().parent if said_by in files else Path.cwd()

    found = _with_absolute_paths(loaded, (), base)
    return Settings.model_construct(**{name: getattr(found, name) for name in Settings.model_fields})


def shareable(settings: BaseModel) -> dict[str, Any]:
    """The settings as plain data fit to be recorded or shown: values that could be secret are left out."""
    return {key: _without_secrets(value, (key,)) for key, value in settings.model_dump(mode="json").items()}


def reference(model: type[BaseModel] = Settings, above: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Every setting there is: its dotted key, its default, what is allowed, what it does."""
    for name, info in model.model_fields.items():
        key = f"{above}{name}"
        group = settings_errors.group_of(info)
        if group is not None:
            yield from reference(group, f"{key}.")
        elif (named := settings_errors.named_groups(info)) is not None:
            yield from reference(named, f"{key}.NAME.")
        else:
            default = None if info.is_required() else info.get_default(call_default_factory=True)
            shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
            yield key, shown, settings_errors.allowed(info), info.description or ""


def _said(layer: Layer) -> dict[str, Any]:
    """A section whose keys are all commented out says nothing, and leaves the layers below as they are."""
    known = Settings.model_fields
    return {name: value for name, value in layer.values.items() if value is not None or name not in known}


def _with_absolute_paths(model: M, key: Key, base: Callable[[Key], Path | None]) -> M:
    changes: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        changed = _absolute(value, (*key, name), base)
        if changed != value:
            changes[name] = changed
    return model.model_copy(update=changes) if changes else model


def _absolute(value: Any, key: Key, base: Callable[[Key], Path | None]) -> Any:
    if isinstance(value, BaseModel):
        return _with_absolute_paths(value, key, base)
    if isinstance(value, dict):
        return {name: _absolute(inner, (*key, str(name)), base) for name, inner in value.items()}
    if isinstance(value, Path) and (folder := base(key)):
        if "\0" in str(value):
            raise SettingsError([f"{'.'.join(key)} is no path: it holds a zero byte."])
        return folder / expanded(value)
    return value


def _without_secrets(value: Any, key: Key) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(inner, (*key, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner, key) for inner in value]
    if is_secret(key) and value is not None:
        return "…"
    return without_passwords(value) if isinstance(value, str) else value


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.settings", description="Prints every setting, or checks a configuration."
    )
    parser.add_argument(
        "config",
        nargs="*",
        help="a configuration to check and print in full (secrets left out); of several, each changes those before it",
    )
    args = parser.parse_args(arguments)
    if not args.config:
        for key, default, allowed, description in reference():
            print(f"{key}: {default}\n    {description} ({allowed})")
        return 0
    try:
        print(yaml.safe_dump(shareable(load_settings(args.config)), sort_keys=False, allow_unicode=True), end="")
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    return 0
