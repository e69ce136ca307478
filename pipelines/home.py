"""Where this installation keeps what it makes: certificates, the Triton environment, language models, logs.

Nothing here belongs into git, and everything can be made again: deleting the folder costs one set-up.
"""

from __future__ import annotations

import os
from pathlib import Path


def checkout() -> Path | None:
    """The source checkout this package runs from, or ``None`` when it was installed as a wheel."""
    folder = Path(__file__).resolve().parent.parent
    return folder if (folder / "pyproject.toml").is_file() else None


def home() -> Path:
    """The data folder: ``SOPHIA_HOME``, else ``.sophia`` in the checkout, else ``~/.local/share/sophia``.

    It is made when missing, readable by its owner only. Raises ``OSError`` if it cannot be made.
    """
    chosen = os.environ.get("SOPHIA_HOME", "").strip()
    if chosen:
        folder = Path(chosen).expanduser().absolute()
    else:
        source = checkout()
        folder = source / ".sophia" if source else Path.home() / ".local" / "share" / "sophia"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077 and folder.stat().st_uid == os.getuid():
        folder.chmod(0o700)
    return folder
