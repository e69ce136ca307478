"""The report: what it counts, what it leaves out, what it names as changed; on the terminal, as JSON and as a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.insights.__main__ import main
from pipelines.insights.made import Making, Slow, write
from pipelines.insights.report.figures import FEWEST, NothingToTell, Report, days_of, report
from pipelines.insights.report.html import rendered
from pipelines.insights.report.table import show
from pipelines.insights.store import opened
from pipelines.insights.tables import STAGES, Insights

HOUR = 3600.0
SLOW = Slow("llm", 60, "2026-11-08", model="nova-7", hour=14)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Insights:
    tables = write(Making(4000, 12, seed=1, slow=[SLOW]), tmp_path_factory.mktemp("insights"))
    with opened(tables.folder) as store:
        for date in tables.dates("turns"):
            store.derive(date)
    return tables


@pytest.fixture(scope="module")
def found(tables: Insights) -> Report:
    return report(tables)


def lines(found: Report, now: float) -> Iterator[str]:
    text = StringIO()
    show(found, Console(file=text, width=100), now)
    yield from (line.strip() for line in text.getvalue().splitlines())


def test_histograms_by_day_and_the_turns_themselves_tell_the_same(
    tables: Insights, found: Report, tmp_path: Path
) -> None:
    (tmp_path / "turns").symlink_to(tables.folder / "turns")
    assert report(Insights(tmp_path)).as_dict() == found.as_dict()


def test_another_engine_tells_the_same(tables: Insights, found: Report) -> None:
    assert report(tables, engine="polars").as_dict() == found.as_dict()


def test_it_holds_every_turn_and_stage(found: Report) -> None:
    assert found.whole.tally.turns == 48_000
    assert set(found.whole.times) == set(STAGES)
    assert sum(group.tally.turns for group in found.days.groups) == 48_000
    assert sum(found.outcomes.values()) == 48_000
    assert [one.keys for one in found.divisions] == [("llm_model",), ("site",), ("language",), ("length",), ("hour",)]


def test_a_planted_slow_down_of_one_stage_model_and_hour_is_the_only_change(found: Report) -> None:
    assert [(one.change.stage, one.change.since, one.change.where) for one in found.changed] == [
        ("llm", "2026-11-08", {"hour": 14, "llm_model": "nova-7"})
    ]
    assert found.changed[0].after - found.changed[0].before == pytest.approx(0.060, abs=0.012)
    assert any(
        "llm slower since 2026-11-08" in line and "hour 14, llm_model nova-7" in line for line in lines(found, 0)
    )


def test_groups_of_few_conversations_are_left_out_and_that_is_said(tables: Insights) -> None:
    found = report(tables, by=("site", "language", "llm_model", "hour"), days=1)
    division = found.divisions[0]
    assert division.hidden > 0
    assert all(group.tally.conversations >= FEWEST for group in division.groups)
    assert any(f"{division.hidden} not shown" in line for line in lines(found, found.newest))


def test_too_few_conversations_are_no_report(tmp_path: Path) -> None:
    with pytest.raises(NothingToTell, match="too few to show"):
        report(write(Making(40, 1), tmp_path / "few"))
    with pytest.raises(NothingToTell, match="no turns yet"):
        report(Insights(tmp_path / "none"))


def test_the_last_days_alone_are_counted_but_changes_are_looked_for_in_more(tables: Insights) -> None:
    found = report(tables, by=("site",), days=days_of("2d"))
    assert (found.first, found.whole.tally.turns, found.looked) == ("2026-11-11", 8000, 12)
    assert found.changed


def test_old_data_is_called_so(found: Report) -> None:
    assert any(
        line.startswith("newest turn 2026-11-12") and line.endswith("5 h ago")
        for line in lines(found, found.newest + 5 * HOUR)
    )
    assert "Nothing new has come in" in rendered(found, found.newest + 100 * HOUR)
    assert "Nothing new has come in" not in rendered(found, found.newest + HOUR)


def test_the_page_stands_alone_and_holds_what_is_drawn(found: Report) -> None:
    page = rendered(found, found.newest)
    data = json.loads(re.findall(r'id="data">(.*?)</script>', page, re.S)[0])
    assert len(data["days"]) == len(data["waits"]["p50"]) == 12
    assert data["changed"] == ["2026-11-08"]
    assert len(data["divisions"]) == 5
    assert not re.search(r'(?:src|href)="(?!data:)', page.split("<script>")[0])


def test_the_program_writes_a_page_and_json(
    tables: Insights, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [
        "report",
        str(tables.folder),
        "--by",
        "site",
        "--since",
        "2d",
        "--html",
        str(tmp_path / "r"),
        "--json",
        "-",
    ]
    assert main(command) == 0
    told = json.loads(capfd.readouterr().out)
    assert [group["site"] for group in told["by"][0]["groups"]] == ["berlin", "lab", "wien"]
    assert told["whole"]["seconds"]["voice_to_voice"]["p50"] == pytest.approx(0.6, abs=0.1)
    assert (tmp_path / "r" / "index.html").exists()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--by", "sight"], "there is no key 'sight'; did you mean site?"),
        (["--since", "soon"], "'soon' is no number of days such as 7d"),
        (["--engine", "duck"], "There is no engine 'duck'"),
    ],
)
def test_a_mistake_is_told_in_a_line(option: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", "anywhere", *option])
    assert told in capsys.readouterr().err
