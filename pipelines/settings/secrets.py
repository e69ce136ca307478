"""What may not be shown, recorded or sent in the clear, such as keys and passwords; and secrets that we make."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

_SECRET = ("key", "token", "secret", "password", "metadata", "authorization", "credential", "cookie")
_NOT_SECRET = ("api_key_file", "api_key_env", "tls")

_USERINFO = re.compile(r"(?<=//)(?:[^\s/]*|[^\s/:@]+:\S*)@|[^\s/:@'\"]+:(?!//)\S*@(?=[\w.\-\[\]:]+:\d)")
"""``user:password@`` after a scheme, or before a host with a port; the password may hold an ``@`` itself."""


def is_secret(key: Iterable[str]) -> bool:
    """Whether a value at ``key`` might be one that is not to be shown."""
    return any(word in part.lower() for part in key if part not in _NOT_SECRET for word in _SECRET)


def without_passwords(text: str) -> str:
    """``text`` with ``…@`` in place of every ``user:password@`` of an address in it."""
    return _USERINFO.sub("…@", text)


_QUERY = re.compile(r"(?<=//)([^\s?#]*)[?#][^\s'\"]*")


def quoted(text: str) -> str:
    """``text`` in quotes, for a line about a value that cannot be used: without passwords and queries of addresses."""
    return without_passwords(_QUERY.sub(r"\1?…", repr(text)))


def made_once(path: Path, secret: Callable[[], str]) -> str:
    """The secret in ``path``, which is made where it is missing, for its owner alone. Raises ``OSError``.

    Of several processes that make it at once, all get that of the first.
    """
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # of mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secret() + "\n")
        try:
            os.link(draft, path)  # whoever is first has made it, and as a whole
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    return path.read_text("utf-8").strip()
