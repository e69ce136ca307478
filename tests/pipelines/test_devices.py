"""Files of a conversation's devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.talk.devices import kept_nearby


def test_a_voice_that_nobody_asked_to_keep_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reply.wav").write_text("mine")
    Path("reply-2.wav").symlink_to("nowhere")
    notes: list[str] = []
    writer = kept_nearby(22_050, notes)
    assert writer is not None
    writer.close()
    assert writer.path == Path("reply-3.wav")
    assert (Path("reply.wav").read_text(), notes) == ("mine", [])


def test_a_folder_that_takes_no_file_is_a_remark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    notes: list[str] = []
    assert kept_nearby(22_050, notes) is None
    assert notes == ["Her voice is not kept: reply.wav cannot be written here (No such file or directory)."]
