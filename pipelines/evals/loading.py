"""Reads cases from YAML files: one or several in a file, a folder of files, or those that come along."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipelines.evals.case import Case

BUNDLED = Path(__file__).parent / "cases"
MOST_LINES = 8
"""Mistakes of one file that are told."""


class CaseError(Exception):
    """Cases cannot be used; ``lines`` says why, one line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def load_cases(places: Iterable[str | Path]) -> list[Case]:
    """The cases of these files and folders; "bundled" names those that come along. Raises :class:`CaseError`."""
    cases: dict[str, Case] = {}
    for place in places:
        for file in _files(BUNDLED if str(place) == "bundled" else Path(place)):
            for case in _read(file):
                if case.name in cases:
                    raise CaseError([f"{file}: a second case is called {case.name}; give it a name of its own."])
                cases[case.name] = case
    return list(cases.values())


def _files(place: Path) -> list[Path]:
    if os.path.isdir(place):  # a path of its own raises for a name that is too long
        found = sorted(place.glob("*.yaml"))
        if not found:
            raise CaseError([f"{place}: there is no case in it; cases are files that end in .yaml."])
        return found
    return [place]


def _read(file: Path) -> Iterator[Case]:
    try:
        documents = [document for document in yaml.safe_load_all(file.read_text("utf-8")) if document is not None]
    except OSError as error:
        raise CaseError([f"{file}: {error.strerror}; name a file or a folder of cases."]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f", line {place.line + 1}" if place else ""
        raise CaseError([f"{file}{where}: this is no YAML: {getattr(error, 'problem', None) or error}."]) from None
    for document in documents:
        yield _case(file, document)


def _case(file: Path, document: Any) -> Case:
    try:
        return Case.model_validate(document)
    except ValidationError as error:
        name = document.get("name", "") if isinstance(document, dict) else ""
        lines = [f"{file}: {_mistake(str(name), fault)}" for fault in error.errors()[:MOST_LINES]]
        raise CaseError(list(dict.fromkeys(lines))) from None


def _mistake(name: str, fault: Any) -> str:
    """A mistake in one line: the case, the place in it, and what is wrong."""
    place = ".".join(str(part + 1) if isinstance(part, int) else part for part in fault["loc"])
    what = str(fault.get("ctx", {}).get("error", fault["msg"]))
    if fault["type"] == "extra_forbidden":
        what = "there is no such key"
    return f"{f'case {name}, ' if name else ''}{place or 'the case'}: {what}."
