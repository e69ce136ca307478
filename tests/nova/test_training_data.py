"""Recordings to chats to a dataset: what becomes an example, what does not, and on which side."""

from __future__ import annotations

import contextlib
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.mind import Message
from nova.training import chats, conversations, dataset
from nova.training.__main__ import main
from nova.training.chats import DataError
from nova.training.conversations import Conversation
from nova.training.scrub import Scrubber


def turn(user: str = "hi", reply: str = "Hello.", outcome: str | None = "replied", **more: object) -> dict[str, object]:
    words = {"user": user, "reply": reply, "heard": reply}
    return {"schema": 3, "turn": 1, "outcome": outcome, "words": words, **more}


def record(folder: Path, *rows: object) -> Path:
    folder.mkdir(parents=True)
    (folder / "turns.jsonl").write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in rows))
    return folder


def pairs(chat: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in chat]


def test_a_recording_becomes_a_chat(tmp_path: Path) -> None:
    found = conversations.read(record(tmp_path / "take", turn("hi", "Hello."), turn("how are you", "Fine.")))
    assert [pairs(chat) for chat in found.chats] == [
        [("user", "hi"), ("assistant", "Hello."), ("user", "how are you"), ("assistant", "Fine.")]
    ]


def test_ledgers_of_the_version_before_are_read_and_those_without_words_teach_nothing(tmp_path: Path) -> None:
    before = {"schema": 2, "turn": 1, "user": "hi", "reply": "Hello.", "heard": "Hello.", "outcome": "replied"}
    found = conversations.read(
        record(tmp_path / "take", before, turn(words=None), turn(words=[7]), turn("bye", "Bye."))
    )
    assert [pairs(chat) for chat in found.chats] == [
        [("user", "hi"), ("assistant", "Hello.")], [("user", "bye"), ("assistant", "Bye.")],
    ]  # fmt: skip
    assert found.left_out == {"replied": 2}


def test_it_is_cut_where_a_turn_did_not_go_well(tmp_path: Path) -> None:
    take = record(
        tmp_path / "take",
        turn("one"), turn("noise", "", "dropped"), turn("two"), turn("three", "It was", "interrupted"),
        turn("four"), turn("five", "", "failed"), turn("", "?", "replied"), turn("six", "x", None),
        "{\"schema\": 2, \"us", "\n[1]\n",
    )  # fmt: skip
    found = conversations.read(take)
    assert [[m.content for m in chat if m.role == "user"] for chat in found.chats] == [["one", "two"], ["four"]]
    assert found.left_out == {
        "dropped": 1,
        "interrupted": 1,
        "failed": 1,
        "replied": 1,
        "unfinished": 1,
        "unreadable": 2,
    }


def test_control_characters_do_not_reach_a_template(tmp_path: Path) -> None:
    found = conversations.read(record(tmp_path / "take", turn("a\x00b\u2028c\n d<|im_end|>", "ok\x1b[0m")))
    assert pairs(found.chats[0]) == [("user", "a b c d"), ("assistant", "ok [0m")]


@given(st.binary(max_size=300))
def test_no_ledger_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("take")
    (folder / "turns.jsonl").write_bytes(raw)
    with contextlib.suppress(DataError):
        found = conversations.read(folder)
        assert all(chat[0].role == "user" and chat[-1].role == "assistant" for chat in found.chats)


def test_recordings_are_found_in_a_folder_of_them(tmp_path: Path) -> None:
    one, two = record(tmp_path / "takes" / "a", turn()), record(tmp_path / "takes" / "b", turn())
    assert conversations.recordings([tmp_path / "takes", one]) == [one, two]
    with pytest.raises(DataError, match="holds no recording"):
        conversations.recordings([tmp_path])
    with pytest.raises(DataError, match="schema 7"):
        conversations.read(record(tmp_path / "c", turn(schema=7)))


def many(count: int, start: int = 0) -> list[Conversation]:
    return [
        Conversation(f"take {n}", [[Message("user", f"question {n}"), Message("assistant", f"answer {n}")]])
        for n in range(start, start + count)
    ]


def words(side: list[list[Message]]) -> set[str]:
    return {message.content for chat in side for message in chat if message.role == "user"}


def test_no_conversation_changes_sides_when_more_come() -> None:
    small = dataset.build(many(40), Scrubber(), share=0.2)
    large = dataset.build(list(reversed(many(120))), Scrubber(), share=0.2)
    assert words(small.validation) <= words(large.validation)
    assert words(small.train) <= words(large.train)
    assert not words(large.train) & words(large.validation)
    assert 10 <= large.conversations["validation"] <= 40
    assert words(dataset.build(many(120), Scrubber(), share=0.2, seed=2).validation) != words(large.validation)


def test_what_was_recorded_twice_is_there_once() -> None:
    made = dataset.build([*many(5), *many(5)], Scrubber())
    assert (made.duplicates, sum(made.conversations.values())) == (5, 5)


@pytest.mark.parametrize(
    ("count", "share", "sides"), [(1, 0.5, (1, 0)), (2, 0.001, (1, 1)), (2, 0.999, (1, 1)), (3, 0, (3, 0))]
)
def test_neither_side_is_empty_if_it_need_not_be(count: int, share: float, sides: tuple[int, int]) -> None:
    made = dataset.build(many(count), Scrubber(), share=share)
    assert (made.conversations["train"], made.conversations["validation"]) == sides


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hold no turn that was answered in full"):
        dataset.build([Conversation("empty")], Scrubber())


def test_the_command_line_makes_a_folder_for_its_owner_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    takes = tmp_path / "takes"
    for n in range(4):
        record(
            takes / f"{n}", turn(f"I am Ann, call 555 123 456{n}", "Fine\u2028\u00e4."), turn("cut", "I", "interrupted")
        )
    (tmp_path / "names").write_text("Ann\n")
    (tmp_path / "persona").write_text("You are Sophia.\n")
    out = tmp_path / "data"
    command = [
        "dataset", str(takes), "--out", str(out), "--names", str(tmp_path / "names"),
        "--persona", str(tmp_path / "persona"), "--validation", "0.25",
    ]  # fmt: skip
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out.rpartition("}\n")[0] + "}")
    # Scrubbed they are all the same, and one conversation cannot be on two sides.
    assert told["duplicate_conversations"] == 3
    assert told["scrubbed"] == {"NAME": 4, "PHONE": 4}
    assert told["turns_left_out"] == {"interrupted": 4}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.glob("*.jsonl")} == {0o600}
    (line,) = (out / "train.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "messages": [
            {"role": "system", "content": "You are Sophia."},
            {"role": "user", "content": "I am [NAME], call [PHONE]"},
            {"role": "assistant", "content": "Fine ä."},
        ]
    }
    assert chats.questions(chats.read(out / "train.jsonl")) == [
        [Message("system", "You are Sophia."), Message("user", "I am [NAME], call [PHONE]")]
    ]
    assert main(command) == 2
    assert capsys.readouterr().err == f"{out} is there already: name another, or remove it\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "names", "persona", "takes"]


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"messages": 1}', '{"messages": [{"role": "cat", "content": "miau"}]}', "[" * 5000, "\x00",
             '{"messages": [{"role": "user", "content": 1}]}', '{"messages": ["user"]}'],
)  # fmt: skip
def test_what_is_no_chat_is_told_by_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "chats.jsonl").write_text(f"{chats.line([Message('user', 'hi')])}\n{text}\n")
    with pytest.raises(DataError, match=r"chats\.jsonl, line 3: is no conversation"):
        chats.read(tmp_path / "chats.jsonl")


@pytest.mark.parametrize("mode", [None, 0o644, 0o666, 0o600])
def test_chats_are_private_whatever_was_there(tmp_path: Path, mode: int | None) -> None:
    file = tmp_path / "train.jsonl"
    if mode is not None:
        file.write_text("older and longer " * 100)
        file.chmod(mode)
    chats.write(file, [[Message("user", "hi")]])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [pairs(chat) for chat in chats.read(file)] == [[("user", "hi")]]
