"""Who comes to talk, as far as a request tells: a browser or a program, and whose pseudonym it brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.telemetry.provenance import Mode

IDENTIFIER: Final = "OpenAI-Safety-Identifier"
"""The header in which OpenAI's clients name their user; applications send a hash of their own."""

PERSON: Final = "sophia_person"
"""Where a client secret carries the pseudonym of the user that it was made for, beside the session."""

Pseudonym = Callable[[str], str]
"""The pseudonym of what a client calls its user; empty where nobody is told apart."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """How somebody comes, and the pseudonym of the user; empty where nobody says who it is."""

    mode: Mode = "server"
    person: str = ""


def visitor(headers: Mapping[str, str], secret: Mapping[str, Any], pseudonym: Pseudonym) -> Visitor:
    """Who sends a request with these headers; ``secret`` is what the client secret holds that was shown, if any."""
    carried = secret.get(PERSON)
    person = carried if isinstance(carried, str) else pseudonym(headers.get(IDENTIFIER, ""))
    return Visitor("page" if "Origin" in headers else "server", person)


def with_person(session: Mapping[str, Any], person: str) -> dict[str, Any]:
    """What a client secret holds: a session, and the pseudonym of its user if there is one."""
    return session_of(session) | ({PERSON: person} if person else {})


def session_of(secret: Mapping[str, Any]) -> dict[str, Any]:
    """The session alone of what a client secret holds."""
    return {name: value for name, value in secret.items() if name != PERSON}
