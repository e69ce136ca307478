"""What is expected of a machine: a YAML file of versions and rules, and what a version that was found means to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.doctor.finding import Finding, Mark
from pipelines.settings.layers import configs_folder, find_file, read_yaml
from pipelines.settings.model import SettingsError

Rule = Literal["exact", "at least", "present"]

_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)*")
_LONGEST: Final = 100


class Expectation(BaseModel):
    """One item of a manifest.

    ``exact``: the version found begins with ``version``, part by part (22.04 is met by 22.04.4), or is the same word.
    ``at least``: it is not older, where parts that are missing count as 0. ``present``: any version. ``otherwise`` is
    how bad the lack of it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rule: Rule = "present"
    version: str | None = Field(None, min_length=1, max_length=_LONGEST)
    otherwise: Literal["fail", "warn"] = "warn"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.rule == "present") != (self.version is None):
            raise ValueError("'exact' and 'at least' need a version, 'present' has none")
        if self.rule == "at least" and not _NUMBERS.search(self.version or ""):
            raise ValueError(f"{self.version!r} has no number that another version could be compared with")
        return self

    def __str__(self) -> str:
        return {"exact": f"{self.version}", "at least": f"at least {self.version}", "present": "there"}[self.rule]

    def met_by(self, version: str) -> bool:
        """Whether ``version`` is as it should be."""
        if self.rule == "present" or version == self.version:
            return True
        wanted, found = numbers(self.version or ""), numbers(version)
        if not wanted or not found:
            return False
        if self.rule == "at least":
            return _padded(found, len(wanted)) >= _padded(wanted, len(found))
        return found[: len(wanted)] == wanted and _words(version) == _words(self.version or "")

    def leaves_open(self, version: str) -> bool:
        """Whether ``version`` tells too little: it is the wanted major alone, and a later minor is wanted."""
        return (
            self.rule == "at least" and not self.met_by(version) and numbers(version) == numbers(self.version or "")[:1]
        )


class Manifest(BaseModel):
    """What a machine should have. An item that is not named is shown if it is there, and missed by nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(max_length=_LONGEST)
    items: dict[str, Expectation] = Field(default_factory=dict, max_length=200)

    def judge(self, key: str, version: str | None) -> tuple[Mark, str]:
        """What it means that ``key`` was found in ``version`` (None: not at all), and what was expected."""
        wanted = self.items.get(key)
        if wanted is None:
            return (Mark.SKIP if version is None else Mark.OK), ""
        if version is not None and wanted.met_by(version):
            return Mark.OK, str(wanted)
        if version is not None and wanted.leaves_open(version):
            return Mark.WARN, f"{wanted}; cannot tell the minor version"
        return Mark(wanted.otherwise), str(wanted)


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of the first run of digits and dots in ``version``: ``"12.4.1-1"`` is ``(12, 4, 1)``.

    A Debian epoch (``1:``) does not count.
    """
    found = _NUMBERS.search(re.sub(r"^\d+:", "", version[:_LONGEST]))
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _padded(parts: tuple[int, ...], length: int) -> tuple[int, ...]:
    return parts + (0,) * (length - len(parts))


def _words(version: str) -> str:
    """What stands before the numbers: ``"ubuntu 22.04"`` is of Ubuntu."""
    return _NUMBERS.split(version[:_LONGEST], maxsplit=1)[0].strip().casefold()


def find_manifest(name: str) -> Path:
    """The manifest that ``name`` means: a path, or a bare name of ``configs/stack/``; raises :class:`SettingsError`."""
    return find_file(name, configs_folder() / "stack", "manifest")


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; raises :class:`SettingsError` with one line for each mistake."""
    values = read_yaml(path).values
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        raise SettingsError([_line(path, dict(mistake)) for mistake in error.errors()[:20]]) from None


def recorded(title: str, findings: Iterable[Finding]) -> Manifest:
    """What was found on this machine, as a manifest that only the same machine meets."""
    items = {
        finding.key: Expectation(rule="exact", version=finding.result.version[:_LONGEST])
        if numbers(finding.result.version)
        else Expectation()
        for finding in findings
        if finding.result.version is not None
    }
    return Manifest(title=title[:_LONGEST], items=items)


def as_yaml(manifest: Manifest) -> str:
    """The text of a manifest's file."""
    return yaml.safe_dump(manifest.model_dump(exclude_defaults=True), sort_keys=False, allow_unicode=True)


def _line(path: Path, mistake: Mapping[str, object]) -> str:
    where = mistake.get("loc", ())
    key = ".".join(str(part) for part in where) if isinstance(where, tuple) else ""
    said = str(mistake.get("msg", "")).removeprefix("Value error, ")
    hint = '; write it in quotes, as "22.04"' if mistake.get("type") == "string_type" else ""
    return f"{path}: {key}: {said}{hint}."
