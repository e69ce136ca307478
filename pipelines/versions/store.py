"""Where versions lie: a folder of small files, one for each version and one for each piece of evidence.

A file comes to be as a whole or not at all. Whoever changes something holds the folder's lock meanwhile.
Readers need no lock. Nothing is ever deleted: there is no function for it, and evidence is written once.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pipelines.versions.states import Actor, IllegalMove, State
from pipelines.versions.version import LEAST_KEY_BYTES, Version, approved, evidence_hash, vouched

VERSION: Final = "version-"
EVIDENCE: Final = "evidence-"
WATCHED: Final = "watched"
"""The file whose time says when the canary was last looked at."""

MOST_BYTES: Final = 4 << 20
"""A record larger than this is something else."""


class StoreError(Exception):
    """The folder, or a version in it, cannot be used; ``lines`` says why."""

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.lines = (line,)


class Store:
    """The versions in ``folder``. ``key`` signs approvals, and only those that it signed count; None: no signatures."""

    def __init__(self, folder: Path, key: bytes | None = None) -> None:
        self.folder = folder
        self.key = key

    def versions(self) -> list[Version]:
        """Every version, the oldest first. Raises :class:`StoreError` for one that cannot be read."""
        try:
            names = sorted(path for path in self.folder.glob(f"{VERSION}*.json"))
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be read: {error.strerror or error}.") from None
        return sorted((self._read(path) for path in names), key=lambda version: (version.history[0].at, version.id))

    def get(self, name: str) -> Version:
        """The version whose id is, or begins with, ``name``."""
        found = [version for version in self.versions() if name and version.id.startswith(name)]
        if len(found) != 1:
            raise StoreError(
                f"{len(found)} versions begin with {name!r}; `python -m pipelines.improve status` lists them."
            )
        return found[0]

    def live(self) -> list[Version]:
        """What all conversations get: each version is laid over those before it."""
        found = [version for version in self.versions() if version.state == "live" and vouched(version, self.key)]
        return sorted(found, key=lambda version: version.history[-1].at)

    def canary(self) -> Version | None:
        """What some conversations get."""
        return next((one for one in self.versions() if one.state == "canary" and vouched(one, self.key)), None)

    def watched(self) -> float:
        """When somebody last looked at the canary, in seconds since the epoch; 0 if nobody ever did."""
        try:
            return (self.folder / WATCHED).stat().st_mtime
        except OSError:
            return 0.0

    def note_watch(self) -> None:
        """Notes that the canary is looked at. Raises :class:`StoreError`."""
        try:
            os.close(os.open(self.folder / WATCHED, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.utime(self.folder / WATCHED)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be used: {error.strerror or error}.") from None

    def evidence(self, version: Version) -> str:
        """The text of its evidence. Raises :class:`StoreError` if it is gone or was changed."""
        path = self._evidence_path(version.evidence)
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise StoreError(f"The evidence of {version.id} cannot be read: {path}.") from None
        if evidence_hash(text) != version.evidence:
            raise StoreError(f"The evidence of {version.id} was changed: {path} is not what its name says.")
        return text

    def add(self, version: Version, evidence: str) -> Version:
        """Keeps a proposed version and its evidence; one that is there already stays as it is."""
        if evidence_hash(evidence) != version.evidence:
            raise StoreError(f"{version.id} was made with other evidence.")
        with self._locked():
            path = self._path(version.id)
            if path.exists():
                return self._read(path)
            self._write(self._evidence_path(version.evidence), evidence, 0o400)
            self._write(path, version.as_json())
        return version

    def approve(self, name: str, by: str) -> Version:
        """Notes that a person agrees. Raises :class:`StoreError` if the evidence is gone or the state is another."""
        return self._change(name, lambda version: (self.evidence(version), approved(version, by, self.key))[1])

    def move(self, name: str, state: State, by: str, actor: Actor, why: str, *, share: float | None = None) -> Version:
        """Takes a version one step further; ``share`` is noted with it. Raises :class:`StoreError`."""

        def change(version: Version) -> Version:
            moved = version.moved(state, by, actor, why)
            if state in ("canary", "live"):
                self.evidence(version)
                if not vouched(version, self.key):
                    raise IllegalMove("its approval does not carry the signature of this key")
            if state == "canary":
                self._check_place(version)
            return moved if share is None else Version.model_validate({**dict(moved), "share": share})

        return self._change(name, change)

    def _check_place(self, version: Version) -> None:
        other = self.canary()
        if other is not None:
            raise IllegalMove(f"{other.id} is the canary; one at a time can be judged")
        live = self.live()
        top = live[-1].id if live else ""
        if version.parent != top:
            raise IllegalMove(f"it was proven over {version.parent or 'no version'}, and {top or 'none'} is live now")
        again = [one.id for one in self.versions() if one.state == "withdrawn" and one.same_again == version.same_again]
        if again and version.approval and version.approval.at <= self.get(again[-1]).history[-1].at:
            raise IllegalMove(f"{again[-1]} set the same and was withdrawn after this approval; it needs another")

    def _change(self, name: str, change: Callable[[Version], Version]) -> Version:
        with self._locked():
            version = self.get(name)
            try:
                changed = change(version)
            except IllegalMove as error:
                raise StoreError(f"{version.id}: {error}.") from None
            self._write(self._path(version.id), changed.as_json())
        return changed

    def _read(self, path: Path) -> Version:
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("it is too large")
            version = Version.model_validate_json(path.read_bytes())
            if path != self._path(version.id):
                raise ValueError(f"it holds {version.id}")
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from None
        except ValueError as error:
            what = " ".join(str(error).split())[:300]
            raise StoreError(f"{path} is no version: {what}.") from None
        return version

    def _path(self, identity: str) -> Path:
        return self.folder / f"{VERSION}{identity}.json"

    def _evidence_path(self, digest: str) -> Path:
        return self.folder / f"{EVIDENCE}{digest[:16]}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be used: {error.strerror or error}.") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, path: Path, text: str, mode: int = 0o600) -> None:
        if mode == 0o400 and path.exists():
            return
        try:
            handle, name = tempfile.mkstemp(prefix=".new-", dir=self.folder)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(name, mode)
                os.replace(name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from None


def read_key(path: Path | None) -> bytes | None:
    """The key that signs approvals; None where none is named. Raises :class:`StoreError`."""
    if path is None:
        return None
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise StoreError(f"The approval key {path} cannot be read: {error.strerror or error}.") from None
    if len(key) < LEAST_KEY_BYTES:
        raise StoreError(f"The approval key {path} is shorter than {LEAST_KEY_BYTES} bytes; `openssl rand -hex 32`.")
    return key
