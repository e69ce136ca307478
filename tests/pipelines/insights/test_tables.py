"""The tables of insights: their columns, and how an older file is read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.insights import made
from pipelines.insights.engines import run
from pipelines.insights.queries import histogram
from pipelines.insights.tables import ORDER, SCHEMAS, STAGES, Insights, asked, length_of
from pipelines.telemetry.ledger import CONTRIBUTIONS, Count


def test_durations_and_counts_are_integers_and_keys_are_never_empty() -> None:
    turns = SCHEMAS["turns"]
    assert {str(count) for count in Count} <= set(turns.names)
    assert set(STAGES) == {"voice_to_voice", *CONTRIBUTIONS}
    for schema in SCHEMAS.values():
        assert {str(field.type) for field in schema} <= {"int32", "int64", "string", "bool"}
    for name, keys in ORDER.items():
        assert all(not SCHEMAS[name].field(key).nullable for key in keys)


def test_every_column_can_be_named_in_a_question(tmp_path: Path) -> None:
    for name, schema in SCHEMAS.items():
        columns = ", ".join(schema.names)
        found = run(f"SELECT {columns}, COUNT(*) AS many FROM {name} GROUP BY {columns}", Insights(tmp_path))
        assert found.names == (*schema.names, "many")
        assert len(found) == 0


def test_a_column_that_an_older_file_lacks_is_empty(tmp_path: Path) -> None:
    tables = made.write(made.Making(40, days=2), tmp_path)
    old, new = tables.files("turns")
    pq.write_table(pq.read_table(old, partitioning=None).drop_columns(["explored"]), old)
    found = run("SELECT date, COUNT(*) AS n, COUNT(explored) AS known FROM turns GROUP BY date", tables)
    assert list(found) == [("2026-11-01", 40, 0), ("2026-11-02", 40, 40)]
    new.unlink()
    assert list(run("SELECT COUNT(explored) AS known FROM turns", tables)) == [(0,)]


def test_made_turns_are_whole_sorted_and_the_same_again(tmp_path: Path) -> None:
    making = made.Making(500, days=2, slow=(made.Slow("llm", 1000.0, since="2026-11-02", model="nova-8"),))
    again = dict(making.tables())
    for date, table in making.tables():
        assert table.schema == SCHEMAS["turns"]
        assert table.equals(again[date])
        stages = [table[stage].drop_null().to_pylist() for stage in CONTRIBUTIONS]
        parts = [sum(values) for values in zip(*stages, strict=True)]
        assert parts == table["voice_to_voice"].drop_null().to_pylist()
        keys = list(zip(table["conversation"].to_pylist(), table["turn"].to_pylist(), strict=True))
        assert keys == sorted(set(keys))
    found = run(
        "SELECT date, llm_model, MIN(llm) AS least FROM turns GROUP BY date, llm_model", made.write(making, tmp_path)
    )
    slow = {(date, model): least > 1_000_000 for date, model, least in found}
    assert [key for key, is_slow in slow.items() if is_slow] == [("2026-11-02", "nova-8")]


def test_a_text_is_answered_with_the_tables_that_it_speaks_of() -> None:
    assert asked(histogram(("hour",))) == ["turns"]
    assert asked("SELECT 1 FROM turns_of_old") == []


def test_rows_are_sorted_and_nothing_comes_first(tmp_path: Path) -> None:
    text = run("SELECT 'b' AS x UNION ALL SELECT NULL UNION ALL SELECT 'a'", Insights(tmp_path)).text()
    assert text == '["x"]\n[null]\n["a"]\n["b"]\n'


@pytest.mark.parametrize(
    ("utterance", "name"), [(None, ""), (0, "short"), (1_499_999, "short"), (1_500_000, "medium"), (4_000_000, "long")]
)
def test_utterances_have_classes_of_length(utterance: int | None, name: str) -> None:
    assert length_of(utterance) == name


def test_the_schema_of_a_file_says_its_version(tmp_path: Path) -> None:
    (file,) = made.write(made.Making(10), tmp_path).files("turns")
    assert pq.read_schema(file).metadata[b"sophia.insights"] == b"2"
    assert isinstance(pq.read_schema(file), pa.Schema)
