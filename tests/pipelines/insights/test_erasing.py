"""What is erased leaves no byte of an id, and tables as if it had never been; what is old enough goes by itself."""

import datetime as dt
import gzip
import json
import shutil

import duckdb
import pytest
from planted_talks import plant

from nova.training import conversations, dataset
from nova.training.scrub import Scrubber
from pipelines.insights.__main__ import main
from pipelines.insights.erasing.erase import again, conversations_of, erase, write_receipt
from pipelines.insights.erasing.erased import digest
from pipelines.insights.erasing.purge import oldest, purge
from pipelines.insights.ingest import ERASED, ingest
from pipelines.insights.mining.mine import mine
from pipelines.insights.mining.takes import find
from pipelines.insights.sources import found
from pipelines.insights.tables import SCHEMAS, Insights
from pipelines.settings.insights import RetentionSettings

KEPT, GONE = f"{3:032x}", f"{7:032x}"
PERSON = "ab" * 32


def house(root, numbers=(3, 7)):
    """Everything that is made of conversations: takes, ledgers, tables, hard cases, a run, a training set, keys."""
    folders = {}
    for number in numbers:
        folder = folders[number] = plant(
            root / "takes" / "2026-11-30" / f"{number:032x}", number, ["cutoff", "misheard"]
        ).folder
        rows = [json.loads(line) for line in (folder / "turns.jsonl").read_text().splitlines()]
        for row in rows:
            row["conversation"]["person"] = PERSON if number == 7 else "cd" * 32
            row.pop("words")
        book = root / "ledgers" / "2026-11-30.1-aa.jsonl"
        book.parent.mkdir(exist_ok=True)
        with book.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    (root / "ledgers" / ".lock").touch()
    ingest(found([root / "ledgers", root / "takes"]), root / "tables", keep_sound=14)
    mine(Insights(root / "tables"), find(root / "takes"), root / "hard")
    for number in numbers:
        run = root / "runs" / f"run{number}"
        run.mkdir(parents=True)
        (run / "run.json").write_text("{}")
        (run / "turns.jsonl").write_text(json.dumps({"line": f"cutoff-{number:032x}-2/turn_02"}) + "\n")
        data, adapter = root / "data" / f"set{number}", root / "adapters" / f"lora{number}"
        dataset.write(dataset.build([conversations.read(folders[number])], Scrubber([])), data)
        adapter.mkdir(parents=True)
        shutil.copy(data / "manifest.json", adapter / "manifest-0123abcd.json")
        (adapter / "adapter_model.safetensors").write_bytes(b"weights")
        (root / "keys").mkdir(exist_ok=True)
        (root / "keys" / f"{number:032x}.key").write_bytes(b"secret")
    return root


PLACES = ("takes", "ledgers", "hard", "runs", "data", "adapters", "keys")


def everywhere(root):
    return [root / name for name in PLACES if (root / name).exists()]


def bytes_of(root):
    """All bytes and names below a folder, with those of the tables' columns as they are, uncompressed."""
    found_bytes = []
    for path in root.rglob("*"):
        found_bytes.append(str(path.relative_to(root)).encode())
        if path.is_file():
            found_bytes.append(path.read_bytes())
        if path.suffix == ".parquet":
            found_bytes.append(repr(duckdb.read_parquet(str(path)).fetchall()).encode())
    return b"\n".join(found_bytes)


def rows_of(root):
    tables = Insights(root / "tables")
    return {name: sorted(map(repr, duckdb.read_parquet(list(map(str, files))).fetchall())) for name in SCHEMAS
            if (files := tables.files(name))}  # fmt: skip


def test_no_byte_of_an_erased_conversation_is_left_and_the_other_one_is_whole(tmp_path):
    root = house(tmp_path / "both")
    assert GONE.encode() in bytes_of(root)
    gone = erase(root / "tables", everywhere(root), frozenset({GONE}))
    receipt = write_receipt(root / "tables", frozenset({GONE}), gone)
    assert GONE.encode() not in bytes_of(root)
    assert gone.left == []
    assert {kind for kind, number in gone.by_kind.items() if number} >= {
        "takes", "lines", "hard cases", "runs", "training sets", "files", "rows",
    }  # fmt: skip
    assert gone.models == [root / "adapters" / "lora7"]
    told = json.loads(receipt.read_text())
    assert told["conversations"] == [digest(GONE)]
    assert told["models_that_learned_from_it"] == [str(root / "adapters" / "lora7")]
    assert rows_of(root)["turns"]


def test_the_tables_are_those_of_a_house_that_never_had_it(tmp_path):
    """Histograms as well: they are counted again, not corrected."""
    both, one = house(tmp_path / "both"), house(tmp_path / "one", numbers=(3,))
    erase(both / "tables", everywhere(both), frozenset({GONE}))
    with_paths = ("recordings",)  # they name the folder of the take
    assert {name: rows for name, rows in rows_of(both).items() if name not in with_paths} == {
        name: rows for name, rows in rows_of(one).items() if name not in with_paths
    }
    assert len(rows_of(both)["recordings"]) == 1


def test_a_person_goes_with_all_conversations_and_the_pseudonym(tmp_path):
    root = house(tmp_path)
    ids = conversations_of(root / "tables", everywhere(root), PERSON)
    assert ids == {GONE}
    erase(root / "tables", everywhere(root), ids, person=PERSON)
    assert PERSON.encode() not in bytes_of(root)
    assert KEPT.encode() in bytes_of(root)


def test_what_a_backup_brings_back_is_refused_and_erased_again(tmp_path):
    root = house(tmp_path / "house")
    shutil.copytree(root / "ledgers", tmp_path / "backup")
    erase(root / "tables", everywhere(root), frozenset({GONE}))
    shutil.copytree(tmp_path / "backup", root / "ledgers", dirs_exist_ok=True)
    taken = ingest(found([root / "ledgers"]), root / "tables", keep_sound=14)
    assert taken.refused[ERASED] > 0
    assert GONE.encode() not in bytes_of(root / "tables")
    assert again(root / "tables", everywhere(root)) == {GONE}
    erase(root / "tables", everywhere(root), frozenset({GONE}))
    assert again(root / "tables", everywhere(root)) == frozenset()


def test_what_cannot_be_taken_out_is_named(tmp_path, capsys):
    root = house(tmp_path)
    (root / "takes" / "notes.bin").write_bytes(b"\x00" + GONE.encode())
    (root / "takes" / "packed.gz").write_bytes(gzip.compress(GONE.encode()))  # nobody can see into everything
    places = [part for name in PLACES for part in ("--in", str(root / name))]
    assert main(["erase", str(root / "tables"), "--conversation", GONE, *places]) == 1
    told = capsys.readouterr()
    assert f"{root / 'takes' / 'notes.bin'} holds an id even now" in told.err
    assert "conversations erased: 1; taken out: " in told.out
    assert GONE not in told.out + told.err.replace(str(root), "")


@pytest.mark.parametrize("name", ["7", "../x", "G" * 32])
def test_what_is_no_id_erases_nothing(tmp_path, name):
    with pytest.raises(Exception, match="32 hexadecimal digits"):
        main(["erase", str(tmp_path), "--conversation", name])


def test_without_the_secret_nobody_is_found_by_name(tmp_path):
    with pytest.raises(Exception, match=r"insights\.person_key"):
        main(["erase", str(tmp_path), "--person", "somebody@example.org"])


def began(root):
    """The takes of a house begin when they were recorded, which is now; a day of their own makes them old."""
    for manifest in root.rglob("takes/**/manifest.json"):
        about = json.loads(manifest.read_text())
        manifest.write_text(json.dumps({**about, "began": "2026-11-30T12:00:00+0000"}))


@pytest.mark.parametrize(
    ("today", "sound", "words", "numbers"),
    [("2026-12-14", True, True, True), ("2026-12-15", False, True, True), ("2026-12-31", False, False, True),
     ("2028-01-05", False, False, False)],
)  # fmt: skip
def test_each_class_goes_in_its_time(tmp_path, today, sound, words, numbers):
    root = house(tmp_path)
    began(root)
    places = [root / "tables", *everywhere(root)]
    purge(places, RetentionSettings(), dt.date.fromisoformat(today))
    assert bool(list(root.rglob("takes/**/*.wav"))) is sound
    assert bool(list(root.rglob("hard/**/*.wav"))) is sound
    assert bool(rows_of(root).get("recordings")) is sound
    assert bool(list(root.rglob("takes/**/turns.jsonl"))) is words
    assert bool(list((root / "ledgers").glob("*.jsonl"))) is numbers
    assert bool(rows_of(root).get("turns")) is numbers
    assert set(oldest(places)) == {
        kind for kind, kept in {"sound": sound, "words": words, "numbers": numbers}.items() if kept
    }


def test_histograms_stay_where_nobody_is_told_by_them(tmp_path):
    rows = json.loads((plant(tmp_path / "talk", 1, []).folder / "turns.jsonl").read_text().splitlines()[0])
    with (tmp_path / "2026-11-30.jsonl").open("w") as file:
        for number in range(15):
            rows["conversation"]["id"] = f"{number:032x}"
            rows["conversation"]["site"] = "busy" if number < 12 else "lonely"
            file.write(json.dumps(rows) + "\n")
    ingest(found([tmp_path / "2026-11-30.jsonl"]), tmp_path / "tables", keep_sound=14)
    sites = "SELECT DISTINCT site FROM read_parquet($files) ORDER BY 1"
    files = lambda: list(map(str, Insights(tmp_path / "tables").files("histograms")))  # noqa: E731
    assert duckdb.execute(sites, {"files": files()}).fetchall() == [("busy",), ("lonely",)]
    purge([tmp_path / "tables"], RetentionSettings(), dt.date(2028, 1, 5))
    assert duckdb.execute(sites, {"files": files()}).fetchall() == [("busy",)]
    assert Insights(tmp_path / "tables").files("turns") == []
