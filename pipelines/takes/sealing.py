"""Takes whose words and sound nobody can read without the key of their conversation.

A key of 32 bytes lies in a folder of its own (``insights.keys``), a file for each conversation. Throwing it away erases
what it sealed, in backups as well. A sealed file is a row of blocks, each with its length, a nonce and AES-GCM's
output. What is sealed is bound to the file's name and to the block's place in it. So a file that was cut short, as by a
crash, can be read up to there, and a block that was moved or changed cannot.

``turns.jsonl`` beside it holds the numbers in the clear, so that a take is found, erased and purged without a key.
"""

from __future__ import annotations

import json
import os
import secrets
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sophia.audio import EAR_RATE, Pcm
from sophia.wav import WavWriter

ENDING: Final = ".sealed"
MAGIC: Final = b"sophia sealed 1\n"
BLOCK_BYTES: Final = 32 << 10
"""What is gathered before it is sealed: a second of the user's voice."""

MOST_BLOCK: Final = 4 << 20
_LENGTH: Final = struct.Struct("<I")
_NONCE: Final = 12


class SealError(Exception):
    """A sealed take cannot be opened; the message is one line."""

    kind = "settings"


def conversation_key(path: Path) -> bytes:
    """The key in ``path``, made where it is missing, for its owner alone. Raises ``OSError``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    return bytes.fromhex(path.read_text("ascii").strip())


class SealedFile:
    """Seals what is written into ``path``, which must not be there. Raises ``OSError``, also when it is closed."""

    def __init__(self, path: Path, key: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._file.write(MAGIC)
        self._cipher = AESGCM(key)
        self._name = path.name
        self._block = 0
        self._waiting = bytearray()
        self.samples = 0

    def write(self, what: str | Pcm) -> None:
        """Appends text, or samples."""
        if isinstance(what, str):
            self._waiting += what.encode("utf-8", "backslashreplace")
        else:
            self._waiting += what.astype("<i2", copy=False).tobytes()
            self.samples += len(what)
        if len(self._waiting) >= BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Seals what waits, and hands it to the disk."""
        if not self._waiting:
            return
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, bytes(self._waiting), _bound(self._name, self._block))
        self._file.write(_LENGTH.pack(len(sealed)) + nonce + sealed)
        self._file.flush()
        self._block += 1
        self._waiting.clear()

    def close(self) -> None:
        """Completes the file; more calls do nothing."""
        if self._file.closed:
            return
        try:
            self.flush()
        finally:
            self._file.close()


def unsealed(path: Path, key: bytes) -> bytes:
    """What was sealed in ``path``, as far as it was written. Raises :class:`SealError` for what was changed."""
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise SealError(f"{path} is no sealed file of this version")
    cipher, at, block, found = AESGCM(key), len(MAGIC), 0, bytearray()
    while at + _LENGTH.size + _NONCE <= len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        begin = at + _LENGTH.size + _NONCE
        if length > MOST_BLOCK:
            raise SealError(f"{path} was changed: block {block} cannot be so long")
        if begin + length > len(content):
            break  # cut short
        try:
            found += cipher.decrypt(
                content[begin - _NONCE : begin], content[begin : begin + length], _bound(path.name, block)
            )
        except InvalidTag:
            raise SealError(f"{path} was changed, or its key is another's: block {block} cannot be opened") from None
        at, block = begin + length, block + 1
    return bytes(found)


@contextmanager
def opened(folder: Path) -> Iterator[Path]:
    """The take in the clear for as long as the block lasts: ``folder`` itself, or a private copy of a sealed one.

    Raises :class:`SealError` where the key is gone, and ``OSError``.
    """
    manifest = _manifest(folder)
    if not isinstance(manifest.get("key"), str):
        yield folder
        return
    path = Path(manifest["key"])
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        raise SealError(f"{folder} is sealed, and its key {path} is gone: nobody can read it any more") from None
    with tempfile.TemporaryDirectory(prefix="sophia-take-") as place:  # 0700
        plain = Path(place)
        for source in folder.iterdir():
            target = plain / source.name.removesuffix(ENDING)
            if source.suffix != ENDING:
                if not (folder / f"{source.name}{ENDING}").exists():
                    target.write_bytes(source.read_bytes())
                continue
            content = unsealed(source, key)
            if target.suffix != ".wav":
                target.write_bytes(content)
                continue
            rate = manifest.get("reply_rate" if target.stem == "reply" else "user_rate", EAR_RATE)
            with WavWriter(target, rate if isinstance(rate, int) else EAR_RATE) as wav:
                wav.write(np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.int16, copy=False))
        yield plain


def throw_key_away(folder: Path) -> None:
    """Removes the key of a sealed take, which nobody can read from then on, wherever copies of it lie."""
    if isinstance(key := _manifest(folder).get("key"), str) and key.endswith(".key"):
        Path(key).unlink(missing_ok=True)


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest, if it can be read: whoever needs it says what is wrong with it."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _bound(name: str, block: int) -> bytes:
    return f"{name}:{block}".encode()
