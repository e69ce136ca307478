"""The log takes what nobody should see on the screen, and never stands in the way."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pty
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from pipelines.failures import explain, log_defect
from pipelines.log import log_file, logging_to_file

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))


def test_warnings_and_the_traceback_of_a_defect_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to_file():
        logging.getLogger("sophia.recognition").warning("recognition broke")
        warnings.warn("this is old", DeprecationWarning, stacklevel=1)
        try:
            _ = 1 / 0
        except ZeroDivisionError as error:
            failure = explain(error, "llm")
            log_defect(failure, error)
    kept = log_file().read_text()
    assert "WARNING sophia.recognition: recognition broke" in kept
    assert "this is old" in kept
    assert "ZeroDivisionError" in kept
    assert "test_log.py" in kept
    assert str(log_file()) in failure.hint
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("how", ["raised", "cause", "context", "group", "circle"])
def test_an_errors_words_are_not_in_it(how: str) -> None:
    """A message may quote what was said; where it came from does not."""
    pin = str(4000 + 711)

    def fail() -> None:
        first, second = ValueError(f"her PIN is {pin}"), RuntimeError(f"about {pin}")
        match how:
            case "raised":
                raise first
            case "cause":
                raise second from first
            case "context":
                try:
                    raise first
                except ValueError:
                    raise second  # noqa: B904 - that is the case
            case "group":
                raise ExceptionGroup(f"of {pin}", [first, ExceptionGroup(f"and {pin}", [KeyError(pin)])])
            case _:
                first.__cause__ = second
                raise second from first

    with logging_to_file():
        try:
            fail()
        except Exception as error:
            log_defect(explain(error, "tts"), error)
            logging.getLogger("sophia").exception("it failed")
    kept = log_file().read_text()
    assert pin not in kept
    assert "in fail" in kept
    assert kept.count("builtins.ValueError") == 2


def test_a_task_that_nobody_looked_after_tells_its_error_without_its_words() -> None:
    pin = str(4000 + 711)

    async def fail() -> None:
        raise ValueError(f"her PIN is {pin}")

    async def main() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    with logging_to_file():
        asyncio.run(main())
    kept = log_file().read_text()
    assert "Task exception was never retrieved" in kept
    assert "builtins.ValueError" in kept
    assert pin not in kept


def test_afterwards_all_is_as_it_was() -> None:
    before = logging.getLogger().handlers[:], logging.raiseExceptions, warnings.showwarning
    with logging_to_file():
        assert logging.getLogger().handlers != before[0]
    assert (logging.getLogger().handlers, logging.raiseExceptions, warnings.showwarning) == before


def test_a_log_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "file" / "home"))
    with logging_to_file():
        logging.getLogger("sophia").warning("nobody hears this")
        assert explain(ZeroDivisionError(), "llm").kind == "defect"
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_native_code_does_not_write_over_the_screen() -> None:
    script = (
        "import os; from pipelines.log import logging_to_file\n"
        "with logging_to_file():\n"
        "    os.write(2, b'ALSA lib says something\\n'); os.write(1, b'the screen\\n')\n"
        "os.write(2, b'afterwards\\n')"
    )
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=theirs, stderr=theirs, check=False)
        seen = os.read(ours, 4096).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert seen.split("\r\n") == ["the screen", "afterwards", ""]
    assert "ALSA lib says something" in log_file().read_text()
