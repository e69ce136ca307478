"""Set-up of the speech service: the ears, and the system libraries where we may install them.

Idempotent, and fast when nothing is to be done. Where Moonshine cannot be fetched, pocketsphinx listens in its place
with a language model that is built here, and cached under the home by a hash of everything that it is made from. The
voice came with the project's own dependencies; where it did not, flite is installed in its place.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.embedded.speech.ears import corpus, language_model, profanity
from pipelines.embedded.speech.fetched import (
    KOKORO,
    MOONSHINE,
    SMART_TURN,
    WHISPER,
    NotFetched,
    Packed,
    fetch,
    is_whole,
    place,
)
from pipelines.embedded.speech.languages import AUTO, ENGLISH, GERMAN, check_extra, served
from pipelines.embedded.speech.voice import hibari, kokoro

_FOLDER = "speech"
_BUILD_DEADLINE = 600.0
_INSTALL_DEADLINE = 300.0

_LIBRARIES = {"libportaudio.so.2": "libportaudio2"}
_WORSE_VOICE = {"libflite.so.1": "libflite1"}
"""What ``dlopen`` must find, and the Debian package that holds it."""

Report = Callable[[str], None]


def prepare(home: Path, report: Report, language: str = ENGLISH) -> None:
    """Makes ready what the service needs for ``language``, telling ``report`` what it does, one line each.

    Raises ``RuntimeError`` naming the reason when there are no ears to be had. Missing system libraries are no error:
    the service falls back and says so.
    """
    heard = served(language)
    if heard != ENGLISH:
        _prepare_german(home, report)
    if heard == GERMAN:
        return
    libraries = dict(_LIBRARIES)
    try:
        hibari.package()
    except RuntimeError as error:
        report(f"{error}; the worse voice, flite, speaks in its place")
        libraries |= _WORSE_VOICE
    install_libraries(report, libraries)
    if kokoro.is_installed():
        try:
            _fetch(KOKORO, home, report, "speakers of the extra voices")
        except (NotFetched, OSError) as error:
            report(f"they could not be fetched: {error}; hibari speaks alone")
    if heard == AUTO:  # Whisper hears both
        return
    try:
        _fetch(MOONSHINE, home, report)
    except (NotFetched, OSError) as error:
        report(f"it could not be fetched: {error}; the worse recogniser, pocketsphinx, listens in its place")
        build_language_model(home, report)


def _prepare_german(home: Path, report: Report) -> None:
    check_extra()
    install_libraries(report, _LIBRARIES)
    try:
        _fetch(WHISPER, home, report)
    except (NotFetched, OSError) as error:
        raise RuntimeError(f"the German recogniser's model could not be fetched: {error}") from None


def prepare_turn_model(home: Path, report: Report) -> None:
    """Fetches the turn model on audio; raises ``RuntimeError`` naming the reason where it cannot be had."""
    try:
        _fetch(SMART_TURN, home, report, "turn model on audio")
    except (NotFetched, OSError) as error:
        raise RuntimeError(f"the turn model on audio could not be fetched: {error}") from None


def _fetch(packed: Packed, home: Path, report: Report, what: str = "recogniser's model") -> None:
    if not is_whole(packed, place(packed, home)):
        report(f"fetching the {what} (once, {packed.megabytes} MB)")
        fetch(packed, home)


def prepared_ears(home: Path | None) -> tuple[Path | None, Path | None]:
    """What was prepared under ``home``: Moonshine's folder, else pocketsphinx' language model, else neither.

    Raises ``RuntimeError`` saying what to do where there is no recogniser at all.
    """
    if home is None:
        return None, None
    if all((place(MOONSHINE, home) / name).is_file() for name in MOONSHINE.files):
        return place(MOONSHINE, home), None
    model = language_model_path(home)
    return None, model if model.exists() else None


def prepared_whisper(home: Path | None) -> Path:
    """The German ears under ``home``; raises ``RuntimeError`` saying what to do where they are not."""
    check_extra()
    if home is None or not all((place(WHISPER, home) / name).is_file() for name in WHISPER.files):
        raise RuntimeError(
            "the German recogniser is not prepared: .venv/bin/python -m pipelines.embedded --prepare --config "
            "embedded-de.yaml"
        )
    return place(WHISPER, home)


def prepared_styles(home: Path | None) -> Path | None:
    """The folder of Kokoro's speakers under ``home``, if the extra ``voices`` is installed and they are there."""
    if home is None or not kokoro.is_installed():
        return None
    return place(KOKORO, home) if all((place(KOKORO, home) / name).is_file() for name in KOKORO.files) else None


def language_model_path(home: Path) -> Path:
    """Where the tuned model for this version of corpus, builder and pocketsphinx lies, whether or not it is there.

    Raises ``RuntimeError`` saying what to do where pocketsphinx is not installed.
    """
    digest = hashlib.sha256(_recogniser_version().encode())
    digest.update(Path(language_model.__file__).read_bytes())
    digest.update("\n".join([*corpus.sentences(), *sorted(profanity.WORDS)]).encode())
    return home / _FOLDER / f"en-us-{digest.hexdigest()[:16]}.lm.bin"


def _recogniser_version() -> str:
    try:
        return version("pocketsphinx")
    except PackageNotFoundError:
        python = ".".join(platform.python_version_tuple()[:2])
        raise RuntimeError(
            f"the recogniser, pocketsphinx, is not installed (Python {python} on {platform.machine()}); there is no "
            "wheel of it for Python 3.12 on aarch64: make .venv with Python 3.11 or 3.13, or compile it once, with "
            f"'sudo apt-get install build-essential python3-dev' and '{sys.executable} -m pip install pocketsphinx'"
        ) from None


def build_language_model(home: Path, report: Report) -> None:
    """Builds the tuned language model if it is not cached: about half a minute, in a process of its own."""
    target = language_model_path(home)
    if target.exists():
        return
    report("building the recogniser's language model (once, about half a minute)")
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own until it is whole: an interrupted or parallel build leaves no half model behind.
    partial = target.with_name(f"{target.name.removesuffix('.lm.bin')}.{os.getpid()}.lm.bin")
    command = [sys.executable, "-m", "pipelines.embedded.speech.prepare", str(partial)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                report(line.strip())
            _, errors = process.communicate(timeout=_BUILD_DEADLINE)
        if process.returncode != 0:
            last = errors.strip().splitlines()[-1] if errors.strip() else f"code {process.returncode}"
            raise RuntimeError(f"the recogniser's language model could not be built: {last}")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
        partial.with_suffix(".arpa").unlink(missing_ok=True)
    for old in target.parent.glob("en-us-*.lm.bin"):
        if old != target and old.name.count(".") == 2:  # an earlier version, not another process' unfinished one
            old.unlink(missing_ok=True)


def install_libraries(report: Report, libraries: Mapping[str, str]) -> None:
    """Installs missing system ``libraries`` with apt where we may (root or passwordless sudo), else says how."""
    missing = sorted(package for library, package in libraries.items() if not _loadable(library))
    if not missing or sys.platform != "linux":
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    by_hand = f"for {' and '.join(missing)}, run: sudo {' '.join(command)}"
    if shutil.which("apt-get") is None:
        report(f"please install {' and '.join(missing)} with your package manager")
        return
    prefix = _root_prefix()
    if prefix is None:
        report(by_hand)
        return
    report(f"installing {' and '.join(missing)} with apt")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in (command, ["apt-get", "update"], command):  # a fresh machine has no package lists yet
        try:
            done = subprocess.run(
                [*prefix, *attempt],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_INSTALL_DEADLINE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            break
        if done.returncode == 0 and attempt is command:
            return
    report(f"apt could not install them; {by_hand}")


def _loadable(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _root_prefix() -> list[str] | None:
    """What to put before a command to run it as root without being asked for a password; ``None`` if we cannot."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, timeout=10, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


def _build(target: Path) -> None:
    from pipelines.embedded.speech.ears.sphinx import STOCK_MODEL  # noqa: PLC0415  # the parent does not need it

    sentences = corpus.sentences()
    language_model.build(
        STOCK_MODEL, sentences, target, banned=profanity.WORDS, report=lambda line: print(f"  {line}", flush=True)
    )


if __name__ == "__main__":
    _build(Path(sys.argv[1]))
