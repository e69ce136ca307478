"""Where it is served: address, certificate and key, from the settings. What is not brought along is made."""

from __future__ import annotations

import re
import secrets
import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from pipelines.certs import HOSTS, make_development_pki
from pipelines.home import home
from pipelines.server.access import Access
from pipelines.server.errors import ServerError
from pipelines.settings.secrets import made_once
from pipelines.settings.server import ServerSettings

KEY_FILE = "page.key"
"""In the home folder: the key that clients must show, where none was brought along."""

SHORTEST_KEY = 16
"""Characters: a key that can be guessed is none."""

_KEY = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is: what to bind, what to call it, and who may come in."""

    host: str
    port: int
    shown_host: str
    """The host in the address that people open."""
    tls: ssl.SSLContext | None
    key: str | None
    access: Access

    @property
    def media_addresses(self) -> list[str] | None:
        """The addresses that WebRTC offers; None is all of this machine's but the loopback."""
        if self.host == "localhost":
            return ["127.0.0.1"]
        try:
            return None if ip_address(self.host).is_unspecified else [self.host]
        except ValueError:  # a name of this machine
            return None

    def url(self, port: int) -> str:
        """The address without the key."""
        host = f"[{self.shown_host}]" if ":" in self.shown_host else self.shown_host
        return f"{'https' if self.tls else 'http'}://{host}:{port}/"

    def url_to_open(self, port: int) -> str:
        """The address for people. The key stands in the fragment, which a browser sends to nobody."""
        return self.url(port) + (f"#key={self.key}" if self.key else "")


def find_place(settings: ServerSettings) -> Place:
    """Reads or makes certificate and key. Blocks for some milliseconds. Raises :class:`ServerError`."""
    names = ["localhost", *settings.names]
    shown = settings.host
    if not settings.at_home:
        machine = socket.gethostname()
        names += [machine, machine.partition(".")[0], f"{machine.partition('.')[0]}.local"]
        if settings.host in ("0.0.0.0", "::"):
            shown = settings.names[0] if settings.names else machine
        else:
            names.append(settings.host)
    key = _key(settings)
    return Place(
        host=settings.host,
        port=settings.port,
        shown_host=shown,
        tls=_tls(settings, names) if settings.secure else None,
        key=key,
        access=Access(names, settings.origins, key),
    )


def _tls(settings: ServerSettings, names: list[str]) -> ssl.SSLContext:
    certificate, key = settings.cert, settings.key
    if certificate is None or key is None:
        folder = home() / "tls"
        try:
            make_development_pki(folder, (*HOSTS, *dict.fromkeys(names), *_addresses(settings)))
        except (OSError, ValueError) as error:
            raise ServerError(f"server: no certificate can be made in {folder} ({error}); set server.cert") from error
        certificate, key = folder / "server.crt", folder / "server.key"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or getattr(error, "reason", "") or str(error)
        raise ServerError(
            f"server.cert: {certificate} and {key} cannot be used ({why}); name a certificate and its key, PEM"
        ) from error
    return context


def _addresses(settings: ServerSettings) -> list[str]:
    """Addresses of this machine by which others reach it, as far as they are easily known."""
    if settings.at_home or settings.host not in ("0.0.0.0", "::"):
        return []
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the kernel says where it would leave (RFC 5737)
            return [probe.getsockname()[0]]
    except OSError:
        return []


def _key(settings: ServerSettings) -> str | None:
    if settings.api_key_file is None:
        return None if settings.at_home else _own_key(home() / KEY_FILE)
    try:
        key = settings.api_key_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ServerError(f"server.api_key_file: {settings.api_key_file} cannot be read ({why})") from error
    if not _fits(key):
        raise ServerError(
            f"server.api_key_file: {settings.api_key_file} must hold a key of at least {SHORTEST_KEY} letters, "
            "digits and ._~-, for a browser can send no other"
        )
    return key


def _own_key(path: Path) -> str:
    """The key in ``path``; made when missing, readable by its owner alone."""
    key = made_once(path, lambda: secrets.token_urlsafe(24))
    if not _fits(key):
        raise ServerError(f"{path} holds no key; remove it, and one is made")
    return key


def _fits(key: str) -> bool:
    return len(key) >= SHORTEST_KEY and _KEY.fullmatch(key) is not None
