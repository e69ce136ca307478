"""Development certificates: a certificate authority of our own, a server's and a client's identity.

They serve loopback and the lab on one's own desk; a real deployment brings its own files. Keys are ECDSA P-256,
whose handshake is cheaper than RSA's, readable by their owner only and hidden from git, and are renewed before they
expire. How each service is given them: docs/certificates.md.

    python -m pipelines.certs [DIR] [--hosts localhost 192.168.1.20] [--renew | --show]
"""

from __future__ import annotations

import argparse
import fcntl
import ipaddress
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipelines.command.run import run
from pipelines.home import HomeUnusable, home

HOSTS = ("localhost", "127.0.0.1", "::1")
"""Names the server's certificate is always good for."""

AUTHORITY_LIFE = timedelta(days=3650)
IDENTITY_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
"""An identity with less time than this left is replaced; so is an authority that would expire before it."""

# A DNS name, perhaps of a wildcard. The underscore is no letter of a host name, but Docker's services may have it.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", re.IGNORECASE)

FILES = ("ca.crt", "ca.key", "server.crt", "server.key", "client.crt", "client.key")


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def write(self, folder: Path, stem: str) -> None:
        """Writes ``stem.key`` (mode 0600) and ``stem.crt``, each atomically."""
        _replace(folder / f"{stem}.key", self.key_pem, 0o600)
        _replace(folder / f"{stem}.crt", self.certificate_pem, 0o644)

    @classmethod
    def read(cls, folder: Path, stem: str) -> Identity | None:
        """The identity in ``stem.crt`` and ``stem.key``, or ``None`` if they are missing, broken or don't match."""
        try:
            certificate = x509.load_pem_x509_certificate((folder / f"{stem}.crt").read_bytes())
            key = serialization.load_pem_private_key((folder / f"{stem}.key").read_bytes(), password=None)
        except (OSError, ValueError, TypeError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            return None
        return cls(certificate, key)


class Authority:
    """A certificate authority that signs servers' and clients' certificates."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    @classmethod
    def create(cls, name: str = "Sophia development CA", life: timedelta = AUTHORITY_LIFE) -> Authority:
        """A new self-signed authority that can sign leaves but no further authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _builder(subject, subject, key, _now() - timedelta(hours=1), _now() + life)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
        return cls(Identity(builder.sign(key, hashes.SHA256()), key))

    def server(
        self, hosts: Sequence[str] = HOSTS, life: timedelta = IDENTITY_LIFE, start: datetime | None = None
    ) -> Identity:
        """A server's identity, good for ``hosts`` (DNS names and IP addresses), valid for ``life`` from ``start``.

        ``start`` is an hour ago when not given; one that lies further back than ``life`` makes an expired
        certificate, which the tests want.
        """
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        return self._issue("Sophia server", ExtendedKeyUsageOID.SERVER_AUTH, names, life, start)

    def client(self, life: timedelta = IDENTITY_LIFE, start: datetime | None = None) -> Identity:
        """A client's identity for mutual TLS."""
        names = x509.SubjectAlternativeName([x509.DNSName("sophia-client")])
        return self._issue("Sophia client", ExtendedKeyUsageOID.CLIENT_AUTH, names, life, start)

    def signed(self, certificate: x509.Certificate) -> bool:
        """Whether this authority signed ``certificate``."""
        try:
            certificate.verify_directly_issued_by(self.identity.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _issue(
        self,
        name: str,
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName,
        life: timedelta,
        start: datetime | None,
    ) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        start = start or _now() - timedelta(hours=1)  # clocks of two machines may differ a little
        issuer = self.identity
        builder = _builder(_name(name), issuer.certificate.subject, key, start, start + life)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(names, critical=False)
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(authority_key, critical=False)
        return Identity(builder.sign(issuer.key, hashes.SHA256()), key)


def make_development_pki(folder: Path, hosts: Sequence[str] = HOSTS, *, renew: bool = False) -> None:
    """Makes or renews ``ca``, ``server`` and ``client`` (``.crt`` and ``.key``) in ``folder``.

    What is good is left alone: certificates are remade when missing, damaged, not of this authority, close to
    their end, or (the server's) not good for one of ``hosts``; hosts asked for earlier stay. ``renew`` remakes the
    server's and the client's in any case, with new keys; the authority stays. Keys that others could read are closed to
    them, and git is told to overlook the folder. Several processes may call it at once. Raises ``OSError`` if the
    folder cannot be written, ``ValueError`` for an impossible host name, or where the authority's certificate was
    brought along without its key: a new authority would not be trusted by those who trust the old one.
    """
    _normal(hosts)  # a name that cannot be is refused before anything is written
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder):
        if _authority_is_elsewhere(folder):
            raise ValueError(
                f"{folder} has the authority's certificate (ca.crt) but not its key: make certificates where the "
                "key is and copy them, or remove ca.crt to begin with a new authority"
            )
        if not (folder / ".gitignore").exists():
            _replace(folder / ".gitignore", b"*\n", 0o644)
        kept = Identity.read(folder, "ca")
        if kept and kept.certificate.not_valid_after_utc - _now() > IDENTITY_LIFE:
            authority = Authority(kept)
        else:
            authority = Authority.create()
            authority.identity.write(folder, "ca")
        server = Identity.read(folder, "server")
        wanted = list(dict.fromkeys([*HOSTS, *(_hosts_of(server.certificate) if server else ()), *hosts]))
        if renew or not server or not _good(server, authority) or set(_hosts_of(server.certificate)) != _normal(wanted):
            authority.server(wanted).write(folder, "server")
        client = Identity.read(folder, "client")
        if renew or not client or not _good(client, authority):
            authority.client().write(folder, "client")
        for key in folder.glob("*.key"):
            key.chmod(0o600)


def describe(folder: Path) -> list[str]:
    """One line for each certificate in ``folder``: who, for which hosts, signed by whom, until when."""
    lines = []
    for stem in ("ca", "server", "client"):
        try:
            certificate = x509.load_pem_x509_certificate((folder / f"{stem}.crt").read_bytes())
        except OSError:
            lines.append(f"{stem:6}  missing")
            continue
        except ValueError:
            lines.append(f"{stem:6}  is not a PEM certificate")
            continue
        hosts = ", ".join(_hosts_of(certificate))
        left = (certificate.not_valid_after_utc - _now()).days
        until = "expired on" if left < 0 else "valid until"
        lines.append(
            f"{stem:6}  {certificate.subject.rfc4514_string()}"
            f"{f' for {hosts}' if hosts else ''}, signed by {certificate.issuer.rfc4514_string()}, "
            f"{until} {certificate.not_valid_after_utc:%Y-%m-%d} ({left} days)"
        )
    return lines


def _authority_is_elsewhere(folder: Path) -> bool:
    """Whether ``ca.crt`` is a certificate whose key was never here: only copies lack the file altogether."""
    if (folder / "ca.key").exists():
        return False
    try:
        x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _good(identity: Identity, authority: Authority) -> bool:
    return authority.signed(identity.certificate) and identity.certificate.not_valid_after_utc - _now() > RENEW_BEFORE


def _now() -> datetime:
    return datetime.now(UTC)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _normal(hosts: Sequence[str]) -> set[str]:
    return {str(_general_name(host).value) for host in hosts}


def _general_name(host: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        try:
            name = host.encode("idna").decode("ascii")
        except UnicodeError:
            name = ""
        if not _DNS_NAME.fullmatch(name):
            raise ValueError(f"{host!r} is neither a host name nor an IP address (no port, no https://)") from None
        return x509.DNSName(name)


def _hosts_of(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names]


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _replace(path: Path, content: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.certs", description="Makes development certificates.")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="where they go (default: <home>/tls)")
    parser.add_argument("--hosts", nargs="+", default=[], metavar="HOST", help="further names or addresses to serve")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--renew", action="store_true", help="new keys and certificates now, of the same authority")
    what.add_argument("--show", action="store_true", help="only tell what is there and until when")
    args = parser.parse_args(arguments)
    try:
        folder: Path = args.folder or home() / "tls"
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file: name a folder")
        if not args.show:
            make_development_pki(folder, (*HOSTS, *args.hosts), renew=args.renew)
    except HomeUnusable:
        raise
    except (OSError, ValueError) as error:
        told = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
        print(f"certificates: {told}", file=sys.stderr)
        return 2
    print(folder)
    print("\n".join(describe(folder)))
    return 0


if __name__ == "__main__":
    run(main)
