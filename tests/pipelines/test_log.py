"""The log takes what nobody should see on the screen, and never stands in the way."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pty
import subprocess
import sys
import threading
import warnings
from collections.abc import AsyncGenerator
from functools import partial
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


class Words:
    """Something that shows what was said wherever it is shown, called or thrown away."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __repr__(self) -> str:
        return f"<Words {self.words}>"

    def __call__(self, words: str) -> None:
        raise ValueError(words)

    def __del__(self) -> None:
        raise ValueError(self.words)


@pytest.mark.parametrize("where", ["callback", "object", "partial", "slow", "thread", "destructor", "generator"])
def test_what_nobody_catches_is_logged_without_its_words(where: str, capfd: pytest.CaptureFixture[str]) -> None:
    pin = str(4000 + 711)

    def fail(words: str) -> None:
        raise ValueError(words)

    async def broken() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            fail(pin)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        match where:
            case "callback":
                loop.call_soon(fail, pin)
            case "object":
                loop.call_soon(Words(pin), pin)
            case "partial":
                loop.call_soon(partial(fail, pin))
            case "slow":
                loop.set_debug(True)
                loop.slow_callback_duration = 0.0
                loop.call_soon(lambda words: None, pin)
            case "thread":
                thread = threading.Thread(target=fail, args=(pin,))
                thread.start()
                thread.join()
            case "destructor":
                Words(pin)
            case _:
                answer = broken()
                await anext(answer)
                del answer
        await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)

    with logging_to_file():
        asyncio.run(main())
    said = log_file().read_text() + "".join(capfd.readouterr())
    assert pin not in said
    assert "Executing" in said if where == "slow" else "builtins.ValueError" in said


def test_a_service_logs_to_standard_error_without_the_words_of_its_errors() -> None:
    script = (
        "import asyncio, logging, threading\n"
        "from pipelines.embedded import child\n"
        "async def serve():\n"
        "    logging.getLogger('sophia.embedded').info('a stage')\n"
        "    asyncio.get_running_loop().call_soon(int, 'my ' + 'PIN')\n"
        "    thread = threading.Thread(target=int, args=('my ' + 'PIN',)); thread.start(); thread.join()\n"
        "    try: int('my ' + 'PIN')\n"
        "    except ValueError: logging.getLogger('sophia.embedded').exception('a call failed')\n"
        "    await asyncio.sleep(0)\n"
        "child.run(serve)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "a stage" in done.stderr
    assert "a call failed" in done.stderr
    assert done.stderr.count("builtins.ValueError") == 3
    assert "my PIN" not in done.stderr


def test_afterwards_all_is_as_it_was() -> None:
    def state() -> tuple[object, ...]:
        hooks = threading.excepthook, sys.unraisablehook
        return logging.getLogger().handlers[:], logging.raiseExceptions, warnings.showwarning, *hooks

    before = state()
    with logging_to_file():
        assert all(during != one for during, one in zip(state(), before, strict=True))
    assert state() == before


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
