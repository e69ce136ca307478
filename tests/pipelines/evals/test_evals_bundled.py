"""The cases that come along hold with the embedded mind, and the same in every run."""

from __future__ import annotations

import pytest
from eval_cases import verdict

from pipelines.evals.case import Case
from pipelines.evals.loading import load_cases

CASES = load_cases(["bundled"])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_embedded_mind_holds_it(case: Case) -> None:
    found = verdict(case)
    assert [finding for finding in found.findings if not finding.good] == []


def test_a_case_is_always_the_same() -> None:
    case = next(case for case in CASES if case.name == "corrected-in-mid-tool")
    first, second = verdict(case), verdict(case)
    assert first.latencies == second.latencies
    assert [ran.at for ran in first.played.ran] == [ran.at for ran in second.played.ran]


def test_the_cases_cover_what_may_go_wrong() -> None:
    assert len(CASES) >= 25
    assert {line.during != "" for case in CASES for line in case.lines} == {True, False}
    assert {case.language for case in CASES} >= {"en-US", "de-DE"}
    assert any(tool.question for case in CASES for tool in case.tools.values())
