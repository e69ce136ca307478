"""Where things are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import home as module
from pipelines.home import HomeUnusable, home


def test_the_environment_decides_and_the_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "deep" / "er"))
    assert home() == tmp_path / "deep" / "er"
    assert home().stat().st_mode & 0o777 == 0o700


def test_a_folder_others_could_read_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "open"))
    assert home().stat().st_mode & 0o777 == 0o700


def test_in_a_checkout_it_lies_beside_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOPHIA_HOME", raising=False)
    monkeypatch.setattr(module, "checkout", lambda: tmp_path)
    assert home() == tmp_path / ".sophia"


def test_installed_it_lies_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOPHIA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(module, "checkout", lambda: None)
    assert home() == tmp_path / ".local" / "share" / "sophia"


@pytest.mark.parametrize("chosen", ["/dev/null/x", "/proc/x", "~nosuchuser/x", "x" * 300])
def test_one_that_cannot_be_used_is_told_in_a_line(
    chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOPHIA_HOME", chosen)
    with pytest.raises(HomeUnusable, match="set SOPHIA_HOME to a folder of yours") as caught:
        home()
    assert isinstance(caught.value, OSError)
    assert not list(tmp_path.iterdir())


def test_a_user_without_a_home_folder_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOPHIA_HOME", raising=False)
    monkeypatch.setattr(module, "checkout", lambda: None)
    monkeypatch.setattr(module.os.path, "expanduser", str)  # what it returns for a user that nobody knows
    with pytest.raises(HomeUnusable, match="no home folder"):
        home()
