"""Where this installation keeps what it makes: certificates, the Triton environment, language models, logs.

Nothing here belongs into git, and everything can be made again: deleting the folder costs one set-up.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


def checkout() -> Path | None:
    """The source checkout this package runs from, or ``None`` when it was installed as a wheel."""
    folder = Path(__file__).resolve().parent.parent
    return folder if (folder / "pyproject.toml").is_file() else None


class HomeUnusable(OSError):
    """The data folder cannot be used; ``lines`` says why, ``hint`` what to do."""

    kind = "settings"
    hint = "set SOPHIA_HOME to a folder of yours"

    def __init__(self, what: str) -> None:
        self.lines = (f"{what}; {self.hint}.",)
        super().__init__(*self.lines)


def expanded(path: str | Path) -> Path:
    """``path`` with ``~`` and ``~user`` replaced; as it is where nobody knows that user's folder.

    ``Path.expanduser`` raises ``RuntimeError`` then. A path that is not there gets the usual line instead.
    """
    return Path(os.path.expanduser(path))


def home() -> Path:
    """The data folder: ``SOPHIA_HOME``, else ``.sophia`` in the checkout, else ``~/.local/share/sophia``.

    It is made when missing, readable by its owner only. Raises :class:`HomeUnusable` if it cannot be made or used.
    """
    chosen = os.environ.get("SOPHIA_HOME", "").strip()
    source = checkout()
    folder = expanded(chosen or (source / ".sophia" if source else "~/.local/share/sophia"))
    if str(folder).startswith("~"):
        raise HomeUnusable(f"There is no home folder for {folder}")
    folder = folder.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077 and folder.stat().st_uid == os.getuid():
            folder.chmod(0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise HomeUnusable(f"The data folder {folder} cannot be used ({error.strerror or error})") from None
    return folder
