"""The lines that a mistake in the settings is told with."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.settings.model import SettingsError, load_settings


def lines(tmp_path: Path, text: str, environment: dict[str, str] | None = None, **overrides: str) -> tuple[str, ...]:
    """The mistakes found in a file with ``text``, without the file's folder."""
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "my.yaml", overrides, environment or {})
    assert all("\n" not in line and "Traceback" not in line for line in caught.value.lines)
    return tuple(line.replace(f"{tmp_path}/", "") for line in caught.value.lines)
