"""A version: an overlay of settings with its parent, its evidence, its approval and everything that became of it.

Its id is a hash of what it changes, of its parent and of its evidence. So a version cannot be changed: another content
is another version. A record that somebody edited by hand is refused when it is read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, model_validator

from pipelines.settings.tunable import objection
from pipelines.versions.states import FIRST, Actor, IllegalMove, State, check_history, check_move

SCHEMA: Final = 1
ID_DIGITS: Final = 12
LEAST_KEY_BYTES: Final = 16

Value = StrictBool | StrictInt | StrictFloat


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Change(_Record):
    """One setting: what it ``was`` where the version was proven, and what it is ``now``."""

    was: Value
    now: Value


class Step(_Record):
    """The version became ``state``: when (UTC), by whom, and why in words."""

    state: State
    at: datetime
    by: str = Field(min_length=1, max_length=200)
    actor: Actor
    why: str = Field("", max_length=2000)


class Approval(_Record):
    """A person agreed to a version with this very evidence and these guardrails.

    ``signature`` is an HMAC-SHA-256 over all of it; empty where no key is kept.
    """

    by: str = Field(min_length=1, max_length=200)
    at: datetime
    evidence: str
    guardrails: str
    signature: str = ""


class Version(_Record):
    """An overlay and its life. ``evidence`` and ``guardrails`` are hashes; ``share`` is of conversations, 0 to 1."""

    schema_: int = Field(SCHEMA, alias="schema", ge=SCHEMA, le=SCHEMA)
    id: str
    parent: str = Field("", description="the version that was live when it was made; empty: none")
    changes: dict[str, Change] = Field(min_length=1)
    evidence: str = Field(pattern=r"^[0-9a-f]{64}$")
    guardrails: str = Field(min_length=1, description="hash of the rules by which a canary is judged")
    history: tuple[Step, ...]
    approval: Approval | None = None
    share: float = Field(0.0, ge=0.0, le=0.5)

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        wrong = [told for key, change in self.changes.items() if (told := objection(key, change.now))]
        if wrong:
            raise ValueError("; ".join(wrong))
        if self.id != version_id(self.changes, self.parent, self.evidence):
            raise ValueError("its id does not fit what it holds: somebody has changed it")
        if self.approval and (self.approval.evidence, self.approval.guardrails) != (self.evidence, self.guardrails):
            raise ValueError("it was approved with other evidence or other guardrails")
        try:
            check_history([(step.state, step.actor) for step in self.history], approved=self.approval is not None)
        except IllegalMove as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def state(self) -> State:
        """What it is now."""
        return self.history[-1].state

    @property
    def values(self) -> dict[str, bool | int | float]:
        """What it sets, by dotted key."""
        return {key: change.now for key, change in self.changes.items()}

    @property
    def same_again(self) -> str:
        """The same for all versions that would set the same."""
        return _digest(self.values)

    def moved(self, state: State, by: str, actor: Actor, why: str, *, at: datetime | None = None) -> Version:
        """The version after one more step; raises :class:`IllegalMove`."""
        check_move(self.state, state, actor, approved=self.approval is not None)
        step = Step(state=state, at=at or now(), by=by, actor=actor, why=why)
        return self.model_copy(update={"history": (*self.history, step)})

    def as_json(self) -> str:
        """The record as it is kept."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def proposed(
    changes: Mapping[str, Change], parent: str, evidence: str, guardrails: str, *, by: str, why: str = ""
) -> Version:
    """A new version. Raises pydantic's ``ValidationError``, a ``ValueError``, for what lies outside the bounds."""
    step = Step(state=FIRST, at=now(), by=by, actor="program", why=why)
    return Version(
        id=version_id(changes, parent, evidence),
        parent=parent,
        changes=dict(changes),
        evidence=evidence,
        guardrails=guardrails,
        history=(step,),
    )


def approved(version: Version, by: str, key: bytes | None = None, *, at: datetime | None = None) -> Version:
    """The version with a person's approval, signed where there is a ``key``; raises :class:`IllegalMove`."""
    if version.state != "proven":
        raise IllegalMove(f"it is {version.state}; only what is proven can be approved")
    approval = Approval(by=by, at=at or now(), evidence=version.evidence, guardrails=version.guardrails)
    if key is not None:
        approval = approval.model_copy(update={"signature": _signature(version.id, approval, key)})
    return version.model_copy(update={"approval": approval})


def vouched(version: Version, key: bytes | None) -> bool:
    """Whether a person agreed: with a ``key`` the approval has to carry its signature."""
    if version.approval is None:
        return False
    if key is None:
        return True
    return hmac.compare_digest(version.approval.signature, _signature(version.id, version.approval, key))


def version_id(changes: Mapping[str, Change], parent: str, evidence: str) -> str:
    """The id of a version that holds these."""
    held = {key: [change.was, change.now] for key, change in changes.items()}
    return _digest([SCHEMA, held, parent, evidence])[:ID_DIGITS]


def evidence_hash(text: str) -> str:
    """The hash by which evidence is named."""
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> datetime:
    """The time that people are told."""
    return datetime.now(UTC).replace(microsecond=0)


def _signature(identity: str, approval: Approval, key: bytes) -> str:
    text = json.dumps([identity, approval.by, approval.at.isoformat(), approval.evidence, approval.guardrails])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _digest(held: Any) -> str:
    return hashlib.sha256(json.dumps(held, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
