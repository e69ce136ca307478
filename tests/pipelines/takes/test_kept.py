"""What is kept of a conversation is what its user agrees to at the moment, and withdrawing deletes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.conversation.events import TextTyped, TurnEnded
from pipelines.settings.model import Settings, SettingsError, load_settings
from pipelines.takes import daybook, kept, writer
from pipelines.takes.keeping import Keeping
from pipelines.takes.kept import Kept
from pipelines.takes.persons import PersonKeyError, person_key, pseudonym
from pipelines.telemetry.ledger import Ledger, Outcome
from pipelines.telemetry.provenance import Provenance
from sophia.audio import Frame
from sophia.wav import read_wav

ID = "0123456789abcdef0123456789abcdef"
SECRET = "Chrysanthemum"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (daybook, writer):
        monkeypatch.setattr(module, "CLOSE_SECONDS", 30.0)


def wished(tmp_path: Path, **insights: str) -> Settings:
    named = {f"insights.{name}": value for name, value in insights.items()}
    places = {"insights.ledgers": str(tmp_path / "ledgers"), "insights.takes": str(tmp_path / "takes")}
    return load_settings(None, {**places, **named}, {})


class House:
    """A process that keeps conversations, and what it told."""

    def __init__(self, settings: Settings) -> None:
        self.notices: list[str] = []
        self.told: list[tuple[str, bool]] = []
        self.keeping = Keeping.opened(settings, 22_050, self.notices.append)
        self.turn = 0

    def keep(self) -> Kept:
        began = datetime(2026, 11, 30, 21, tzinfo=UTC)
        here = Provenance(ID, began, asyncio.get_running_loop().time(), consent=self.keeping.usual)
        return self.keeping.keep(here, lambda consent, recording: self.told.append((consent, recording)))

    def talk(self, one: Kept, seconds: float = 0.2) -> None:
        """A turn with sound, words and numbers."""
        at = asyncio.get_running_loop().time()
        self.turn += 1
        one.told(TextTyped(at=at, text=SECRET))
        one.listened(Frame(np.full(round(16_000 * seconds), 700, np.int16), at))
        one.played(np.full(round(22_050 * seconds), 900, np.int16), at)
        ledger = Ledger(self.turn, user=SECRET, reply=SECRET, heard=SECRET, outcome=Outcome.REPLIED)
        ledger.decide(at, "commit", f"“{SECRET}” is complete")
        one.told(TurnEnded(at=at, ledger=ledger))


async def opened(one: Kept) -> None:
    """Returns once what is to be open is."""
    while one._work and not one._work.done():
        await asyncio.wait([one._work])


def numbers(tmp_path: Path) -> list[dict[str, Any]]:
    lines = [line for path in (tmp_path / "ledgers").glob("*.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def takes(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "takes" / "2026-11-30").glob("*"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def rights(folder: Path) -> tuple[set[int], set[int]]:
    """Those of all folders in this one, and of all files."""
    found: tuple[set[int], set[int]] = (set(), set())
    for path in folder.rglob("*"):
        found[path.is_file()].add(path.stat().st_mode & 0o777)
    return found


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def ended(house: House, one: Kept) -> None:
    await one.aclose()
    await house.keeping.aclose()


async def test_by_default_numbers_alone_are_kept_and_no_byte_of_what_was_said(tmp_path: Path) -> None:
    house = House(wished(tmp_path))
    one = house.keep()
    house.talk(one)
    await ended(house, one)
    (line,) = numbers(tmp_path)
    assert (line["conversation"]["id"], line["conversation"]["consent"], line["schema"]) == (ID, "numbers", 3)
    assert "words" not in line
    assert SECRET.encode() not in bytes_of(tmp_path)
    assert not takes(tmp_path)
    assert (house.notices, house.told, one.recording) == ([], [], False)


async def test_with_consent_to_words_there_is_a_take_without_sound(tmp_path: Path) -> None:
    house = House(wished(tmp_path, consent="words"))
    one = house.keep()
    house.talk(one)
    assert not one.recording
    await ended(house, one)
    (take,) = takes(tmp_path)
    assert take.name == ID
    assert names(take) == {"manifest.json", "config.yaml", "events.jsonl", "turns.jsonl"}
    (turn,) = map(json.loads, (take / "turns.jsonl").read_text().splitlines())
    assert (turn["words"]["user"], turn["conversation"]["consent"]) == (SECRET, "words")
    assert SECRET not in json.dumps(numbers(tmp_path)), "the numbers have none all the same"


async def test_with_consent_to_sound_the_take_is_whole_from_the_first_sample_on(tmp_path: Path) -> None:
    house = House(wished(tmp_path, consent="sound"))
    one = house.keep()
    assert one.recording, "before the disk has opened anything"
    house.talk(one)
    await ended(house, one)
    (take,) = takes(tmp_path)
    assert {"user.wav", "reply.wav", "turns.jsonl"} < names(take)
    assert len(read_wav(take / "user.wav", 16_000).pcm) >= 3200
    assert (read_wav(take / "user.wav", 16_000).pcm == 700).any()
    assert (read_wav(take / "reply.wav", 22_050).pcm == 900).any()
    assert rights(tmp_path) == ({0o700}, {0o600})


async def test_a_user_agrees_and_withdraws_and_what_was_kept_is_gone(tmp_path: Path) -> None:
    house = House(wished(tmp_path))
    one = house.keep()
    house.talk(one)
    one.agree("sound")
    assert one.recording
    house.talk(one)
    await opened(one)
    house.talk(one)
    assert len(takes(tmp_path)) == 1
    one.agree("numbers")
    assert not one.recording
    house.talk(one)
    await ended(house, one)
    assert takes(tmp_path) == []
    assert SECRET.encode() not in bytes_of(tmp_path)
    assert house.told == [("sound", True), ("numbers", False)]
    assert [line["conversation"]["consent"] for line in numbers(tmp_path)] == ["numbers", "sound", "sound", "numbers"]
    assert house.notices == []


async def test_less_deletes_the_sound_and_words_go_on_in_another_take(tmp_path: Path) -> None:
    house = House(wished(tmp_path, consent="sound"))
    one = house.keep()
    house.talk(one)
    await opened(one)
    one.agree("words")
    house.talk(one)
    await ended(house, one)
    (take,) = takes(tmp_path)
    assert "user.wav" not in names(take)
    (turn,) = map(json.loads, (take / "turns.jsonl").read_text().splitlines())
    assert (turn["turn"], turn["conversation"]["consent"]) == (2, "words")


async def test_more_leaves_what_was_kept_before(tmp_path: Path) -> None:
    house = House(wished(tmp_path, consent="words"))
    one = house.keep()
    house.talk(one)
    await opened(one)
    one.agree("sound")
    house.talk(one)
    await ended(house, one)
    first, second = takes(tmp_path)
    assert second.name == f"{ID}-2"
    assert "user.wav" in names(second) - names(first)


@pytest.mark.parametrize(
    "said",
    [
        ["sound", "numbers", "sound"], ["words", "sound", "numbers"], ["sound", "words", "numbers", "words"],
        ["sound", "numbers"], ["words", "numbers", "sound", "words"],
    ],
    ids=" ".join,
)  # fmt: skip
async def test_a_user_who_changes_his_mind_at_once_is_believed_last(tmp_path: Path, said: list[Any]) -> None:
    house = House(wished(tmp_path))
    one = house.keep()
    for consent in said:  # without a moment for the disk between
        one.agree(consent)
        house.talk(one)
    await ended(house, one)
    last = said[-1]
    found = takes(tmp_path)
    assert len(found) == (last != "numbers")
    for take in found:
        assert ("user.wav" in names(take)) == (last == "sound")
        turns = (take / "turns.jsonl").read_text().splitlines()
        assert [json.loads(line)["turn"] for line in turns] == [len(said)], "and nothing of what was said before"


async def test_a_take_that_cannot_be_opened_is_told_once_and_the_sign_goes_out(tmp_path: Path) -> None:
    (tmp_path / "takes").write_text("in the way")
    house = House(wished(tmp_path, consent="sound"))
    one = house.keep()
    house.talk(one)
    await opened(one)
    house.talk(one)
    await ended(house, one)
    (notice,) = house.notices
    assert "is not kept" in notice
    assert "\n" not in notice
    assert house.told == [("sound", False)]
    assert not one.recording
    assert len(numbers(tmp_path)) == 2


async def test_a_disk_that_fills_up_puts_the_sign_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, name: str, content: Any) -> None:
        raise OSError(28, "No space left on device")

    house = House(wished(tmp_path, consent="sound"))
    one = house.keep()
    await opened(one)
    monkeypatch.setattr(writer.TakeWriter, "_line", full)
    house.talk(one)
    while one.recording:  # noqa: ASYNC110 - a thread tells it
        await asyncio.sleep(0.001)
    await ended(house, one)
    assert house.told == [("sound", False)]
    assert "No space left" in house.notices[0]


async def test_what_comes_while_the_take_is_opened_is_bounded(tmp_path: Path) -> None:
    house = House(wished(tmp_path, consent="sound"))
    one = house.keep()
    for _ in range(kept.MOST_EARLY):
        house.talk(one, 0.001)
    assert one._early is not None
    assert len(one._early) == kept.MOST_EARLY
    await ended(house, one)


async def test_without_folders_nothing_is_written(tmp_path: Path) -> None:
    house = House(Settings())
    assert house.keeping.consents == ("numbers",)
    one = house.keep()
    house.talk(one)
    await ended(house, one)
    assert names(tmp_path) == set()


def test_more_than_numbers_needs_a_place() -> None:
    with pytest.raises(SettingsError, match=r"insights.*takes"):
        load_settings(None, {"insights.consent": "sound"}, {})


def refused(check: Callable[[], object]) -> str:
    with pytest.raises(PersonKeyError) as caught:
        check()
    return str(caught.value)


def test_the_secret_of_pseudonyms_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "person"
    key = person_key(path)
    assert person_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["person"]
    assert pseudonym(key, "anna@example.org") == pseudonym(key, "anna@example.org")
    assert len(pseudonym(key, "anna@example.org")) == 64
    assert pseudonym(key, "anna@example.org") != pseudonym(key, "berta@example.org")
    assert pseudonym(key, "anna") != pseudonym(person_key(tmp_path / "other"), "anna")
    assert [pseudonym(None, "anna"), pseudonym(key, ""), pseudonym(key, "x" * 513)] == ["", "", ""]
    path.write_text("short")
    assert "at least 32 characters" in refused(lambda: person_key(path))
    path.write_bytes(b"\xff" * 40)
    assert "it is no text" in refused(lambda: person_key(path))
    assert "cannot be read" in refused(lambda: person_key(tmp_path))


async def test_who_withdraws_has_the_key_thrown_away(tmp_path: Path) -> None:
    house = House(wished(tmp_path, consent="sound", keys=str(tmp_path / "keys")))
    one = house.keep()
    house.talk(one)
    await opened(one)
    assert names(tmp_path / "keys") == {f"{ID}.key"}
    one.agree("numbers")
    await ended(house, one)
    assert names(tmp_path / "keys") == set()
    assert takes(tmp_path) == []


async def test_a_sealed_take_holds_no_word_in_the_clear(tmp_path: Path) -> None:
    house = House(wished(tmp_path, consent="sound", keys=str(tmp_path / "keys")))
    one = house.keep()
    house.talk(one)
    await ended(house, one)
    (take,) = takes(tmp_path)
    assert "user.wav.sealed" in names(take)
    assert SECRET.encode() not in bytes_of(tmp_path)
