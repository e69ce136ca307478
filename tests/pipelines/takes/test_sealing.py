"""A sealed take is read by whoever has its key, as if it were open, and by nobody once the key is gone."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from take_folders import make_take

from pipelines.conversation.events import GenerationOver, PlayoutStarted, TurnEnded
from pipelines.insights.erasing.purge import purge
from pipelines.scenarios.recorded import load_recording
from pipelines.scenarios.spec import Unreadable
from pipelines.settings.insights import RetentionSettings
from pipelines.takes import writer
from pipelines.takes.performance import TakeError, read_performance
from pipelines.takes.reader import read_events
from pipelines.takes.sealing import MAGIC, SealedFile, SealError, conversation_key, opened, unsealed
from pipelines.takes.writer import TakeWriter
from pipelines.telemetry.ledger import PLAYED, VOICE_END, Ledger, Outcome
from sophia.audio import Frame
from sophia.wav import read_wav

SECRET = "Chrysanthemum"
START, RATE = 100.0, 22_050


@pytest.fixture(autouse=True)
def unhurried_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CLOSE_SECONDS", 30.0)


def sealed_take(folder: Path, key: Path | None) -> Path:
    async def record() -> None:
        take = TakeWriter(folder, {}, start=START, reply_rate=RATE, key=key)
        tone = (8000 * np.sin(np.arange(16_000) / 5)).astype(np.int16)
        take.listened(Frame(np.concatenate([np.zeros(16_000, np.int16), tone]), START))
        take.told(PlayoutStarted(1, START + 2.5, at=START + 2.5))
        take.played(np.full(RATE, 900, np.int16), START + 2.5)
        take.told(GenerationOver(at=START + 4, generation=1, text=SECRET, heard=SECRET))
        ledger = Ledger(1, user=SECRET, reply=SECRET, heard=SECRET, outcome=Outcome.REPLIED)
        for name, at in {"voice_start": 1.0, VOICE_END: 2.0, PLAYED: 2.5, "end": 4.0}.items():
            ledger.mark(name, START + at)
        take.told(TurnEnded(at=START + 4, ledger=ledger))
        await take.aclose()

    asyncio.run(record())
    return folder


def test_no_word_and_no_sample_lies_in_the_clear(tmp_path: Path) -> None:
    take = sealed_take(tmp_path / "take", tmp_path / "keys" / "it.key")
    names = {path.name for path in take.iterdir()}
    assert names == {
        "manifest.json", "config.yaml", "turns.jsonl", "turns.jsonl.sealed", "events.jsonl.sealed", "user.wav.sealed",
        "reply.wav.sealed",
    }  # fmt: skip
    everything = b"".join(path.read_bytes() for path in take.iterdir())
    assert SECRET.encode() not in everything
    assert np.full(20, 900, "<i2").tobytes() not in everything
    assert {path.stat().st_mode & 0o777 for path in (*take.iterdir(), tmp_path / "keys" / "it.key")} == {0o600}


def test_with_its_key_it_is_read_like_an_open_one(tmp_path: Path) -> None:
    sealed = sealed_take(tmp_path / "sealed", tmp_path / "it.key")
    plain = sealed_take(tmp_path / "plain", None)
    with opened(sealed) as one, opened(plain) as other:
        assert other == plain
        assert one.stat().st_mode & 0o777 == 0o700
        assert (one / "turns.jsonl").read_text() == (plain / "turns.jsonl").read_text()
        for name, rate in (("user.wav", 16_000), ("reply.wav", RATE)):
            assert np.array_equal(read_wav(one / name, rate).pcm, read_wav(plain / name, rate).pcm)
        assert list(read_events(one)) == list(read_events(plain))
    assert not one.exists()
    (talk,) = load_recording(sealed, "it").talks
    assert [line.transcript for line in talk.lines] == [SECRET]
    performance = read_performance(sealed)
    assert performance.folder == sealed
    assert (performance.pcm == 900).any()


def test_without_its_key_nobody_reads_it(tmp_path: Path) -> None:
    take = sealed_take(tmp_path / "take", tmp_path / "it.key")
    (tmp_path / "it.key").unlink()
    with pytest.raises(SealError, match="is gone: nobody can read it"), opened(take):
        pass
    with pytest.raises(Unreadable, match="is gone"):
        load_recording(take, "it")
    with pytest.raises(TakeError, match="is gone"):
        read_performance(take)
    conversation_key(tmp_path / "it.key")  # another one in its place
    with pytest.raises(SealError, match="its key is another's"), opened(take):
        pass


def test_a_take_that_is_purged_takes_its_key_along(tmp_path: Path) -> None:
    take = sealed_take(tmp_path / "takes" / "take", tmp_path / "keys" / "it.key")
    backup = tmp_path / "backup"
    shutil.copytree(take, backup)
    today = datetime.now(UTC).date()
    purge([tmp_path / "takes"], RetentionSettings(), today + timedelta(days=20))
    assert not (take / "user.wav.sealed").exists(), "sound goes first"
    assert (tmp_path / "keys" / "it.key").exists()
    purge([tmp_path / "takes"], RetentionSettings(), today + timedelta(days=40))
    assert not take.exists()
    with pytest.raises(SealError, match="is gone"), opened(backup):
        pass


def test_a_take_in_the_clear_is_as_it_was(tmp_path: Path) -> None:
    take = make_take(tmp_path / "take")
    with opened(take) as plain:
        assert plain == take


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=50_000), max_size=4), st.data())
def test_what_was_cut_short_is_read_to_there_and_what_was_changed_is_not(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    key = conversation_key(folder / "it.key")
    file = SealedFile(folder / "it", key)
    for text in texts:
        file.write(text)
        file.flush()
    file.close()
    whole = "".join(texts).encode("utf-8", "backslashreplace")
    content = (folder / "it").read_bytes()
    assert unsealed(folder / "it", key) == whole
    (folder / "it").write_bytes(content[: data.draw(st.integers(len(MAGIC), len(content)))])
    assert whole.startswith(unsealed(folder / "it", key))
    if len(content) > len(MAGIC):
        place = data.draw(st.integers(len(MAGIC), len(content) - 1))
        (folder / "it").write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with suppress(SealError):  # or it counts as cut short, where a length was changed
            assert whole.startswith(found := unsealed(folder / "it", key))
            assert found != whole
