"""Ledgers and takes become tables: again and again without a change, and never half of one."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spoken import BEGAN, SECRET, conversation, ledger, line, talk, write

from pipelines.insights import lines as reading
from pipelines.insights import store as storing
from pipelines.insights.engines import run
from pipelines.insights.ingest import UNPLACED, Taken, ingest
from pipelines.insights.queries import histogram, stored
from pipelines.insights.sources import SourceMissing, found
from pipelines.insights.store import StoreError, opened
from pipelines.insights.tables import ORDER, SCHEMAS, Insights
from pipelines.telemetry.ledger import Outcome


def take_in(into: Path, *paths: Path) -> Taken:
    return ingest(found(paths), into, keep_sound=14)


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.parquet")}


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    files = Insights(folder).files(name)
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def test_taking_in_twice_changes_no_byte_and_writes_no_file(tmp_path: Path) -> None:
    file, into = write(tmp_path / "a.jsonl", [*talk(1), *talk(2)]), tmp_path / "tables"
    first = take_in(into, file)
    assert (first.turns, first.new["turns"], first.new["conversations"], first.days) == (6, 6, 2, ["2026-11-30"])
    before, nodes = content(into), {path: path.stat().st_ino for path in into.rglob("*.parquet")}
    again = take_in(into, file, file)
    assert (again.turns, again.new.total(), again.days) == (6, 0, [])
    assert content(into) == before
    assert {path: path.stat().st_ino for path in into.rglob("*.parquet")} == nodes


def test_the_order_and_the_pieces_make_no_difference(tmp_path: Path) -> None:
    told = [line for number in range(1, 4) for line in talk(number, turns=2)]
    take_in(tmp_path / "whole", write(tmp_path / "all.jsonl", told))
    random.Random(0).shuffle(told)
    for number, one in enumerate(told):
        take_in(tmp_path / "pieces", write(tmp_path / f"{number}.jsonl", [one]))
    assert content(tmp_path / "pieces") == content(tmp_path / "whole")


def test_a_new_file_touches_its_own_days_alone(tmp_path: Path) -> None:
    into = tmp_path / "tables"
    take_in(into, write(tmp_path / "a.jsonl", talk(1)))
    before = content(into)
    later = BEGAN.replace(month=12, day=2)
    assert take_in(into, write(tmp_path / "b.jsonl", talk(2, began=later))).days == ["2026-12-02"]
    assert {name: data for name, data in content(into).items() if "2026-11-30" in name} == before
    assert Insights(into).dates("turns") == ["2026-11-30", "2026-12-02"]


def test_a_file_that_grows_is_taken_in_again(tmp_path: Path) -> None:
    into, told = tmp_path / "tables", talk(1, turns=5)
    file = write(tmp_path / "a.jsonl", told[:2])
    with file.open("a") as growing:
        growing.write(json.dumps(told[2])[:40])
    assert take_in(into, file).refused == {reading.UNFINISHED: 1}
    assert take_in(into, write(file, told)).new["turns"] == 3
    assert [row["turns"] for row in rows(into, "conversations")] == [5]


def test_every_table_is_sorted_by_its_key_with_todays_columns_and_no_words(tmp_path: Path) -> None:
    into = tmp_path / "tables"
    take_in(into, write(tmp_path / "a.jsonl", [*talk(2), *talk(1)]))
    for name, keys in ORDER.items():
        for file in Insights(into).files(name):
            assert pq.read_schema(file).equals(SCHEMAS[name])
            found_keys = [tuple(row[key] for key in keys) for row in pq.ParquetFile(file).read().to_pylist()]
            assert found_keys == sorted(set(found_keys))
    plain = b"".join(pa.BufferReader(data).read() for data in content(into).values())
    text = repr({name: rows(into, name) for name in SCHEMAS})
    assert SECRET not in text
    assert SECRET.encode() not in plain
    assert all(file.stat().st_mode & 0o077 == 0 for file in into.rglob("*.parquet"))


def test_daily_histograms_are_those_of_the_turns(tmp_path: Path) -> None:
    into = tmp_path / "tables"
    take_in(into, write(tmp_path / "a.jsonl", [*talk(1), *talk(2)]))
    cells = ("date", "hour", "site", "language", "llm_model", "length")
    assert list(run(stored(cells), Insights(into))) == list(run(histogram(cells), Insights(into)))


def test_what_is_no_ledger_is_counted_and_passed_over(tmp_path: Path) -> None:
    good = line(ledger())
    typed = {**good, "turn": "one"}
    deep = b'{"schema": 3, "words": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    lost = {**good, "conversation": {**good["conversation"], "id": "?"}}
    bad: list[Any] = [
        "", "garbage", "[]", "null", "\x00\x01", b"\xff\xfe", deep, typed, {**good, "conversation": None},
        '{"schema": 3, "turn": NaN}', {**good, "schema": 99}, {**good, "schema": 10**30}, {"schema": 2, "turn": 1},
        {"schema": -1}, lost, b"x" * (reading.LONGEST + 1), b'{"a": "' + b"y" * (3 * reading.CHUNK) + b'"}',
        {**good, "counts": {"tokens": 2**40}}, {**good, "marks": {"played": 1e400}},
    ]  # fmt: skip
    taken = take_in(tmp_path / "tables", write(tmp_path / "a.jsonl", [*bad, good, *bad]))
    assert taken.new["turns"] == 1
    assert taken.refused == {
        reading.BROKEN: 2 * 12, reading.NEWER: 4, reading.OLDER: 2, reading.LONG: 4, UNPLACED: 2
    }  # fmt: skip


def test_half_a_surrogate_pair_in_the_words_costs_nothing(tmp_path: Path) -> None:
    told = json.dumps(line(ledger())).replace(f"my {SECRET}, please", "\\ud83d and on")
    assert take_in(tmp_path / "tables", write(tmp_path / "a.jsonl", [told])).new["turns"] == 1


def soon(gap: float, **changes: Any) -> list[dict[str, Any]]:
    """Two turns; the second begins ``gap`` seconds after her first sample."""
    first = ledger(1)
    first.counts.update(changes.get("counts", {}))
    second = ledger(2, start=first.marks["played"] + gap)
    second.outcome = changes.get("outcome", Outcome.REPLIED)
    return [line(first), line(second)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (soon(1.9), True),
        (soon(2.1), False),
        (soon(-0.1), False),
        (soon(1.0, counts={"false_cutoffs": 1}), False),
        (soon(1.0, outcome=Outcome.JOINED), False),
        (soon(1.0, outcome=Outcome.DROPPED), False),
    ],
)
def test_a_user_who_soon_speaks_again_was_perhaps_cut_off(
    tmp_path: Path, told: list[dict[str, Any]], expected: bool
) -> None:
    take_in(tmp_path / "tables", write(tmp_path / "a.jsonl", told[1:]))
    take_in(tmp_path / "tables", write(tmp_path / "b.jsonl", told[:1]))
    assert [row["suspected_cutoff"] for row in rows(tmp_path / "tables", "turns")] == [expected, False]


def take(folder: Path, number: int, consent: str) -> Path:
    write(folder / "turns.jsonl", talk(number, consent=consent))
    write(folder / "events.jsonl", ['{"t": 0.0, "kind": "begun", "data": {}}'])
    (folder / "manifest.json").write_text('{"schema": 2}')
    with wave.open(str(folder / "user.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(2 * 24_000))
    return folder


def test_takes_bring_their_recordings_where_the_user_consented(tmp_path: Path) -> None:
    takes, into = tmp_path / "takes", tmp_path / "tables"
    for number, consent in enumerate(("sound", "words", "numbers"), 1):
        take(takes / str(number), number, consent)
    (takes / "run").mkdir()
    (takes / "run" / "run.json").write_text("{}")
    write(takes / "run" / "turns.jsonl", ["{}"])
    taken = take_in(into, takes)
    assert (taken.files, taken.new["conversations"], taken.without_consent, taken.refused) == (3, 3, 2, {})
    (row,) = rows(into, "recordings")
    assert row["conversation"] == conversation(1).id
    assert (row["seconds_us"], row["consent"], row["expires"]) == (1_500_000, "sound", "2026-12-14")
    assert row["take"] == str(takes / "1")
    assert len(row["user_sha256"]) == 64
    before = content(into)
    take_in(into, takes, takes / "1")
    assert content(into) == before


def test_a_crash_leaves_whole_tables_and_the_next_run_makes_them_agree(tmp_path: Path) -> None:
    into = tmp_path / "tables"
    take_in(into, write(tmp_path / "a.jsonl", talk(1)))
    other = write(tmp_path / "b.jsonl", [*talk(2), *talk(3, began=BEGAN.replace(day=29))])
    take_in(tmp_path / "expected", tmp_path / "a.jsonl", other)
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom pipelines.insights import ingest, sources\n"
        "left = [int(sys.argv[3])]\n"
        "def die(number):\n    left[0] -= 1\n    if left[0] < 0: os._exit(9)\n"
        "os.fsync = die\n"
        "ingest.ingest(sources.found([Path(sys.argv[1])]), Path(sys.argv[2]), keep_sound=14)\n"
    )
    died = 0
    for step in (0, 4, 8):
        died += subprocess.run([sys.executable, "-c", code, other, into, str(step)], check=False).returncode == 9
        for name in SCHEMAS:
            rows(into, name)
    assert died
    take_in(into, write(tmp_path / "c.jsonl", []))  # nothing new: what a crash left behind is derived all the same
    counts = "SELECT date, COUNT(*) AS n FROM turns WHERE llm IS NOT NULL GROUP BY date"
    sums = "SELECT date, SUM(n) AS n FROM histograms WHERE stage = 'llm' GROUP BY date"
    assert list(run(counts, Insights(into))) == list(run(sums, Insights(into)))
    take_in(into, other)
    assert content(into) == content(tmp_path / "expected")
    assert not list(into.rglob("*.new"))
    assert not (into / storing.UNFINISHED).exists()


def test_a_folder_has_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "tables"),
        pytest.raises(StoreError, match="Another program writes into"),
        opened(tmp_path / "tables"),
    ):
        pass


def test_a_damaged_day_is_named(tmp_path: Path) -> None:
    file, into = write(tmp_path / "a.jsonl", talk(1)), tmp_path / "tables"
    take_in(into, file)
    Insights(into).files("turns")[0].write_bytes(b"PAR1 no longer")
    with pytest.raises(
        StoreError, match=r"turns/date=2026-11-30 is damaged .* delete it, and take its ledgers in again"
    ):
        take_in(into, file)


def test_a_source_that_is_not_there_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"There is no .*/nowhere; name files of ledgers"):
        found([write(tmp_path / "a.jsonl", []), tmp_path / "nowhere"])


def test_the_program_tells_what_it_did_in_a_few_lines(tmp_path: Path) -> None:
    write(tmp_path / "ledgers" / "a.jsonl", [*talk(1), "garbage"])
    command = [sys.executable, "-m", "pipelines.insights", "ingest", "ledgers", "--into", "tables"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("3 turns of 1 file in ")
    assert rest == [
        "with them 3 silences, 3 decisions, 3 faults, 0 recordings",
        f"passed over: 1 line {reading.BROKEN}",
        "1 day written, 2026-11-30",
    ]
    take(tmp_path / "ledgers" / "take", 2, "sound")
    done = subprocess.run([*command, "--set", "insights.retention.sound=3"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert [row["expires"] for row in rows(tmp_path / "tables", "recordings")] == ["2026-12-03"]
    command[4] = "nothing"
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no nothing;")


def test_what_is_not_installed_is_told_in_one_line(tmp_path: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None\nfrom pipelines.command.run import run\n"
    code += "from pipelines.insights.__main__ import main\nrun(lambda: main(['ingest', 'a', '--into', 'b']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "pyarrow is not installed: .venv/bin/python -m pip install -e '.[insights]'\n"
