"""A version goes through its states by the table alone, whoever tries what."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.versions.states import MOVES, Actor, IllegalMove, State, check_history, check_move
from pipelines.versions.version import Change, Version, approved, evidence_hash, proposed, vouched

STATES: tuple[State, ...] = get_args(State)
ACTORS: tuple[Actor, ...] = get_args(Actor)
KEY = b"0123456789abcdef"


def one(now: float = 0.4, key: str = "turns.pause_complete") -> Version:
    return proposed({key: Change(was=0.28, now=now)}, "", evidence_hash("{}"), "rules", by="test")


moves = st.lists(st.tuples(st.sampled_from([*STATES, "approve"]), st.sampled_from(ACTORS)), max_size=12)


@given(moves)
def test_whatever_is_tried_the_history_follows_the_table(tried: list[tuple[str, Actor]]) -> None:
    version = one()
    for to, actor in tried:
        before = version
        try:
            version = approved(version, "Ann") if to == "approve" else version.moved(to, "x", actor, "")  # type: ignore[arg-type]
        except IllegalMove:
            assert version is before
    steps = [(step.state, step.actor) for step in version.history]
    check_history(steps, approved=version.approval is not None)
    reached = {state for state, _ in steps}
    assert not reached & {"canary", "live"} or version.approval
    assert ("canary", "program") not in steps
    assert all(state != "withdrawn" for state, _ in steps[:-1])
    assert Version.model_validate_json(version.as_json()) == version


@pytest.mark.parametrize(("before", "after", "actor"), list(product(STATES, STATES, ACTORS)))
def test_what_the_table_does_not_name_is_refused(before: State, after: State, actor: Actor) -> None:
    if actor in MOVES.get((before, after), ()):
        check_move(before, after, actor, approved=True)
    else:
        with pytest.raises(IllegalMove):
            check_move(before, after, actor, approved=True)


def test_nothing_reaches_conversations_without_an_approval() -> None:
    proven = one().moved("proven", "improve", "program", "")
    with pytest.raises(IllegalMove, match="nobody has approved"):
        proven.moved("canary", "Ann", "person", "")
    assert approved(proven, "Ann").moved("canary", "Ann", "person", "").state == "canary"


def test_only_what_is_proven_can_be_approved() -> None:
    with pytest.raises(IllegalMove):
        approved(one(), "Ann")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"now":0.4', '"now":0.5'),
        ('"now":0.4', '"now":9.9'),
        ("turns.pause_complete", "insights.consent"),
        ('"proven"', '"live"'),
        ('"parent":""', '"parent":"abc"'),
    ],
)
def test_a_record_that_was_changed_by_hand_is_refused(old: str, new: str) -> None:
    text = one().moved("proven", "improve", "program", "").model_dump_json(by_alias=True)
    assert old in text
    Version.model_validate_json(text)
    with pytest.raises(ValidationError):
        Version.model_validate_json(text.replace(old, new))


def test_an_approval_holds_for_its_evidence_and_its_key_alone() -> None:
    signed = approved(one().moved("proven", "improve", "program", ""), "Ann", KEY)
    assert vouched(signed, KEY)
    assert vouched(signed, None)
    assert not vouched(signed, b"another key of 16")
    assert not vouched(approved(one().moved("proven", "improve", "program", ""), "Ann"), KEY)
    assert signed.approval
    other = signed.model_copy(update={"approval": signed.approval.model_copy(update={"by": "Bob"})})
    assert not vouched(other, KEY)
    again = signed.approval.model_copy(update={"evidence": evidence_hash("other")})
    with pytest.raises(ValidationError, match="other evidence"):
        Version.model_validate(dict(signed) | {"approval": again})
