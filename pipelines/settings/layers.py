"""Where settings come from: a YAML file, the environment, the command line. Nothing here knows what they mean.

Each source becomes a :class:`Layer`: nested values, and for each of them the place a person would look for it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from pipelines.command.endings import one_line
from pipelines.home import checkout, expanded
from pipelines.settings.secrets import is_secret, quoted

Key = tuple[str, ...]

ANY = "*"
"""In a key that is compared: any name."""

PREFIX = "SOPHIA_"
NOT_SETTINGS = frozenset({"SOPHIA_HOME", "SOPHIA_UID", "SOPHIA_GID", "SOPHIA_TLS"})
"""Variables with our prefix that are not settings; the last three are those of the compose files."""

MAX_BYTES = 1 << 20
"""A configuration larger than this is something else."""

_NOT_YAML = (yaml.YAMLError, ValueError, OverflowError, RecursionError)
"""What the parser raises: ``OverflowError`` where an escape names a character beyond all there are."""


class SettingsError(Exception):
    """Settings cannot be used; ``lines`` says why, one complete sentence for each mistake."""

    kind = "settings"

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(map(one_line, lines))
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source, nested like the settings; ``origins`` tells where each key stands."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Key, str] = field(default_factory=dict)

    def origin(self, key: Key) -> str | None:
        """Where ``key``, or the nearest group above it or value below it, stands; ``None`` if nowhere here."""
        if key not in self.origins:
            below = [origin for other, origin in self.origins.items() if other[: len(key)] == key]
            return below[0] if below else None
        return self.origins[key]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was probably meant to be."""
    close = difflib.get_close_matches(word.lower().replace("-", "_"), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def configs_folder() -> Path:
    """The folder with the configurations that come with the project."""
    return (checkout() or Path(__file__).resolve().parents[1]) / "configs"


def find_config(name: str | Path) -> Path:
    """The configuration that ``name`` means; raises :class:`SettingsError` that lists what there is."""
    return find_file(name, configs_folder(), "configuration")


def find_file(name: str | Path, ours: Path, what: str) -> Path:
    """The YAML file that ``name`` means; raises :class:`SettingsError` that lists what there is.

    A path with a folder in it is taken as it is; a bare name is looked up in the working directory, then in the
    project's folder ``ours``. The suffix ``.yaml`` may be left out. ``what`` it is, is said where there is none.
    """
    path = expanded(name)
    folders = [Path()] if path.is_absolute() or path.parent != Path() else [Path(), ours]
    try:
        for folder in folders:
            for candidate in (folder / path, folder / f"{path}.yaml"):
                if candidate.is_file():
                    return candidate
        if path.parent != Path() and path.exists():
            raise SettingsError([f"The {what} {name} is not a file."])
    except OSError as error:
        raise SettingsError([f"The {what} {name} cannot be read: {error.strerror or error}."]) from None
    shipped = sorted(file.name for file in ours.glob("*.yaml"))
    guess = did_you_mean(path.name, shipped) or did_you_mean(f"{path.name}.yaml", shipped)
    raise SettingsError(
        [
            f"There is no {what} {name}"
            + (f"; did you mean {guess}?" if guess else ".")
            + f" The project brings {', '.join(shipped) or 'none'} (in {ours})."
        ]
    )


def read_yaml(path: Path) -> Layer:
    """The layer of a YAML file; raises :class:`SettingsError` naming file, line and column of what is wrong."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror or error}."]) from None
    if len(raw) > MAX_BYTES:
        raise SettingsError([f"{path} is larger than {MAX_BYTES >> 20} MiB; that is no configuration."])
    loader = None
    try:
        loader = _Loader(raw.decode("utf-8-sig"))
        node = loader.get_single_node()
        values = {} if node is None else loader.construct_document(node)
    except UnicodeDecodeError as error:
        raise SettingsError([f"{path} is not a text file: byte {error.start} is not UTF-8."]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        what = " ".join(f"{error.context or ''} {error.problem or ''}".split()) or "it cannot be parsed"
        raise SettingsError([f"{place}: this is not YAML: {what}."]) from None
    except _NOT_YAML as error:
        what = " ".join(str(error).split())[:200]
        raise SettingsError([f"{path}: this is not YAML: {what}."]) from None
    finally:
        if loader is not None:
            loader.dispose()
    if values is None:
        values = {}
    if not isinstance(values, dict):
        told = f"{path} holds a {_kind(values)}, but settings are a mapping of sections: 'section:' and 'key: value'."
        raise SettingsError([told])
    origins: dict[Key, str] = {}
    if isinstance(node, yaml.MappingNode):
        _note_origins(path, node, (), origins)
    return Layer(str(path), values, origins)


def from_environment(environment: Mapping[str, str], mappings: Set[Key] = frozenset()) -> Layer:
    """The layer of the variables ``SOPHIA_SECTION__KEY``; names are taken in any case.

    ``mappings`` are the settings whose own keys are free: such a key stays as it is. What Kubernetes tells of a service
    called sophia is overlooked.
    """
    layer = Layer("environment")
    for variable in sorted(environment):
        ours = variable.upper().startswith(PREFIX) and variable.upper() not in NOT_SETTINGS
        if ours and not of_a_service(variable, environment[variable]):
            key = _key(variable[len(PREFIX) :], "__", str.lower, mappings)
            _put(layer, key, environment[variable], variable)
    return layer


def from_overrides(overrides: Mapping[str, str], mappings: Set[Key] = frozenset()) -> Layer:
    """The layer of the command line: dotted keys (``tts.rate``) and their text; ``mappings`` as above."""
    layer = Layer("command line")
    for dotted, text in overrides.items():
        _put(layer, _key(dotted, ".", _underscored, mappings), text, f"--set {dotted}")
    return layer


def of_a_service(variable: str, value: str) -> bool:
    """Whether a variable is one of those that Kubernetes makes of a service, for which Docker's links are the model.

    ``sophia-voice`` gets ``SOPHIA_VOICE_SERVICE_HOST``, ``SOPHIA_VOICE_PORT=tcp://10.0.0.1:50051`` and others. Their
    values tell them from a setting that was mistyped.
    """
    return any(name.search(variable) and held.fullmatch(value) for name, held in _OF_SERVICES)


_OF_SERVICES = tuple(
    (re.compile(rf"^[A-Z0-9_]+_{name}$"), re.compile(held))
    for name, held in (
        ("SERVICE_HOST", r"[0-9a-fA-F.:]+"),
        (r"SERVICE_PORT(_[A-Z0-9_]+)?", r"\d+"),
        (r"PORT(_\d+_(TCP|UDP|SCTP))?", r"(tcp|udp|sctp)://\S+"),
        (r"PORT_\d+_(TCP|UDP|SCTP)_PROTO", "tcp|udp|sctp"),
        (r"PORT_\d+_(TCP|UDP|SCTP)_PORT", r"\d+"),
        (r"PORT_\d+_(TCP|UDP|SCTP)_ADDR", r"[0-9a-fA-F.:]+"),
    )
)


def _key(text: str, between: str, plain: Callable[[str], str], mappings: Set[Key]) -> Key:
    """The key that ``text`` names: parts made ``plain``, but what follows the name of a free mapping stays one key."""
    parts = text.split(between)
    for i in range(1, len(parts)):
        above = tuple(map(plain, parts[:i]))
        if above in mappings or any(_fits(above, mapping) for mapping in mappings if ANY in mapping):
            return (*above, between.join(parts[i:]))
    return tuple(map(plain, parts))


def _fits(key: Key, wanted: Key) -> bool:
    return len(key) == len(wanted) and all(part in (name, ANY) for name, part in zip(key, wanted, strict=True))


def _underscored(part: str) -> str:
    return part.replace("-", "_")


def _put(layer: Layer, key: Key, text: str, origin: str) -> None:
    if not all(key):
        raise SettingsError([f"{origin} does not name a setting: a part of the name is empty."])
    group = layer.values
    for i, part in enumerate(key[:-1]):
        group = group.setdefault(part, {})
        if not isinstance(group, dict):
            above = ".".join(key[: i + 1])
            raise SettingsError([f"{origin} and {layer.origins[key[: i + 1]]} disagree: {above} is a value for one."])
    if isinstance(group.get(key[-1]), dict):
        raise SettingsError([f"{origin} sets a group of which other keys are set one by one; use one form."])
    group[key[-1]] = _value(text, key, origin)
    layer.origins[key] = origin


def _value(text: str, key: Key, origin: str) -> Any:
    """Text stays text, for the setting's type to convert; lists and mappings are written as in YAML."""
    if text.strip().lower() in {"null", "none", "~"}:
        return None
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return yaml.load(text[:MAX_BYTES], Loader=_Loader)
    except _NOT_YAML:
        shown = "its value" if is_secret(key) else quoted(text[:60])
        raise SettingsError([f"{origin}: {shown} begins like a list or mapping but is not one in YAML."]) from None


def _kind(value: object) -> str:
    return {list: "list", str: "piece of text", bool: "yes or no"}.get(type(value), "single value")


def _note_origins(path: Path, node: yaml.MappingNode, above: Key, origins: dict[Key, str]) -> None:
    for key_node, value_node in node.value:
        key = (*above, str(key_node.value))
        origins[key] = f"{path}:{key_node.start_mark.line + 1}"
        if isinstance(value_node, yaml.MappingNode):
            _note_origins(path, value_node, key, origins)


class _Loader(yaml.SafeLoader):
    """Plain YAML: no aliases (a small file could unfold into gigabytes), no tags, no key twice, no guessing.

    The library's own constructors raise whatever comes where a tag and its value do not match, as in ``!!bool x``.

    Of unquoted words only ``true``, ``false``, ``null`` and decimal numbers are special, as in YAML 1.2: a language
    ``no`` stays a word, ``12:30`` a time and ``2026-01-31`` a date that somebody wrote.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not supported here", mark)
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if (tag := getattr(event, "tag", None)) not in (None, "!"):
            raise yaml.composer.ComposerError(None, None, f"tags ({tag}) are not supported here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            problem = ""
            if not isinstance(key_node, yaml.ScalarNode):
                problem = "a key must be a word"
            elif key_node.value in seen:
                problem = f"the key {key_node.value!r} stands here a second time"
            if problem:
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key_node.value)
        # Keys are names, so they stay as they were written: 1.50 and on are no number and no truth value.
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"null|Null|NULL|~|", "nN~"),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), [*_first, ""])
