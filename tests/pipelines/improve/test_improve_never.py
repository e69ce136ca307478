"""What is never automatic, one test each: whoever tries is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

import pipelines.improve
import pipelines.versions
from pipelines.improve.__main__ import arguments
from pipelines.improve.measures import ALARMS, GUARDRAILS, RULES
from pipelines.improve.never import NEVER
from pipelines.settings.model import reference
from pipelines.settings.tunable import PARAMETERS, objection
from pipelines.versions.states import MOVES
from pipelines.versions.store import Store, StoreError
from pipelines.versions.version import Change, Version, evidence_hash, proposed


def version(key: str, now: bool | int | float) -> Version:
    return proposed({key: Change(was=0, now=now)}, "", evidence_hash("{}"), RULES, by="test")


def refused(*begins: str) -> None:
    """No setting whose key begins so can be in a version."""
    keys = [key for key, *_ in reference() if key.startswith(begins)]
    assert keys
    for key in keys:
        assert objection(key, 1)
        with pytest.raises(ValidationError):
            version(key, 1)


def sources() -> Iterator[ast.Module]:
    for package in (pipelines.improve, pipelines.versions):
        for path in Path(package.__path__[0]).glob("*.py"):
            yield ast.parse(path.read_text("utf-8"))


TRIED: dict[str, object] = {}


def tries(what: str):
    def mark(test):
        TRIED[what] = test
        return test

    return mark


@tries("recording without consent")
def test_recording_without_consent() -> None:
    refused("insights.consent", "insights.takes")


@tries("widening what is kept, or for how long")
def test_widening_what_is_kept() -> None:
    refused("insights.retention", "insights.ledgers", "telemetry.capture_content")


@tries("training on people's words")
def test_training() -> None:
    imported = {
        name
        for tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert not [name for name in imported if name.startswith(("nova", "torch", "peft", "transformers"))]


@tries("promoting a model for what it says")
def test_promoting_a_model() -> None:
    refused("llm.", "tts.voice", "asr.model", "face.")


@tries("settings outside their bounds")
def test_settings_outside_their_bounds() -> None:
    for parameter in PARAMETERS:
        if parameter.step:
            kind = type(parameter.low) if isinstance(parameter.step, int) else float
            for value in (kind(parameter.low - parameter.step), kind(parameter.high + parameter.step)):
                with pytest.raises(ValidationError):
                    version(parameter.key, value)
    with pytest.raises(ValidationError):
        version("turns.speculate", 1)
    with pytest.raises(ValidationError):
        version("turns.pause_complete", float("nan"))


@tries("lowering a guardrail")
def test_lowering_a_guardrail() -> None:
    assert pytest.approx(0.05) == ALARMS
    assert {one.name for one in GUARDRAILS if one.critical} >= {"wait", "false cut-offs", "failed turns"}
    commands = next(action for action in arguments()._actions if isinstance(action.choices, dict))
    options = {
        option for one in commands.choices.values() for action in one._actions for option in action.option_strings
    }
    assert "--yes" in options
    assert not [option for option in options if "guard" in option or "limit" in option]
    assert not [key for key, *_ in reference() if "guardrail" in key]
    # The hash of the rules; whoever changes a rule is seen here, and no version that was approved before goes on.
    assert RULES == "5c53b9f24e71e09e"


@tries("a change of safety or approval rules")
def test_a_change_of_approval_rules() -> None:
    refused("insights.approval_key", "insights.versions", "turns.explore", "server.")


@tries("taking a version into conversations")
def test_taking_a_version_into_conversations() -> None:
    for (_, after), actors in MOVES.items():
        assert after != "canary" or actors == {"person"}
    for tree in sources():  # no program calls itself a person, but where a name was given
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and any(
                isinstance(a, ast.Constant) and a.value == "person" for a in node.args
            ):
                assert any(isinstance(argument, ast.Name) and argument.id == "by" for argument in node.args)


@tries("undoing a rollback")
def test_undoing_a_rollback() -> None:
    assert not [after for before, after in MOVES if before == "withdrawn"]


@tries("deleting evidence")
def test_deleting_evidence(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = store.add(version("turns.pause_complete", 0.4), "{}")
    store.move(made.id, "proven", "test", "program", "")
    next(tmp_path.glob("evidence-*")).unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        store.approve(made.id, "Ann")


def test_each_has_its_test() -> None:
    assert set(TRIED) == set(NEVER)
