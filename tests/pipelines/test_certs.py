"""Development certificates: right by OpenSSL's strict rules, renewed when due, left alone otherwise."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pipelines import certs
from pipelines.certs import FILES, Authority, Identity, make_development_pki


def read(folder: Path, stem: str) -> Identity:
    identity = Identity.read(folder, stem)
    assert identity is not None
    return identity


def handshake(server: Path, trusted: Path, name: str, *, client: Path | None = None) -> None:
    """A TLS handshake in memory, with mutual TLS when ``client`` is given; raises ``ssl.SSLError`` if refused."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(server / "server.crt", server / "server.key")
    theirs = ssl.create_default_context(cafile=str(trusted / "ca.crt"))
    theirs.verify_flags |= ssl.VERIFY_X509_STRICT
    if client:
        ours.load_verify_locations(trusted / "ca.crt")
        ours.verify_mode = ssl.CERT_REQUIRED
        theirs.load_cert_chain(client / "client.crt", client / "client.key")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    a = theirs.wrap_bio(down, up, server_hostname=name)
    b = ours.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (a, b):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    assert a.version() == b.version() == "TLSv1.3"


def test_files_and_their_modes(tmp_path: Path) -> None:
    make_development_pki(tmp_path / "tls")
    assert {p.name for p in (tmp_path / "tls").iterdir()} == {*FILES, ".gitignore", ".lock"}
    for file in FILES:
        mode = (tmp_path / "tls" / file).stat().st_mode & 0o777
        assert mode == (0o600 if file.endswith(".key") else 0o644), file


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_strict_openssl_accepts_them_both_ways(pki: Path, name: str) -> None:
    handshake(pki, pki, name, client=pki)


def test_another_name_authority_or_an_expired_certificate_is_refused(
    pki: Path, other_pki: Path, expired_pki: Path
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(pki, pki, "example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|local issuer|signature"):
        handshake(other_pki, pki, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(expired_pki, pki, "localhost")


def test_usages_fit_the_purpose(pki: Path) -> None:
    for stem, usage in (("server", ExtendedKeyUsageOID.SERVER_AUTH), ("client", ExtendedKeyUsageOID.CLIENT_AUTH)):
        extensions = read(pki, stem).certificate.extensions
        assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]
        assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    ca = read(pki, "ca").certificate.extensions
    assert ca.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert ca.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_what_is_good_is_left_alone(tmp_path: Path) -> None:
    make_development_pki(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    make_development_pki(tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


def test_new_hosts_remake_only_the_server_and_stay(tmp_path: Path) -> None:
    make_development_pki(tmp_path)
    client = (tmp_path / "client.crt").read_bytes()
    make_development_pki(tmp_path, ["192.168.1.20", "spark.local"])
    make_development_pki(tmp_path)  # asks for less: nothing is taken away
    handshake(tmp_path, tmp_path, "192.168.1.20")
    handshake(tmp_path, tmp_path, "spark.local")
    assert (tmp_path / "client.crt").read_bytes() == client


def test_a_certificate_close_to_its_end_is_renewed_and_the_authority_stays(tmp_path: Path) -> None:
    make_development_pki(tmp_path)
    ca = read(tmp_path, "ca")
    soon = certs.RENEW_BEFORE - timedelta(days=1)
    Authority(ca).server(life=soon).write(tmp_path, "server")
    make_development_pki(tmp_path)
    assert read(tmp_path, "server").certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=300)
    assert read(tmp_path, "ca").certificate == ca.certificate


def test_an_authority_that_would_end_before_its_leaves_takes_them_along(tmp_path: Path) -> None:
    Authority.create(life=timedelta(days=100)).identity.write(tmp_path, "ca")
    make_development_pki(tmp_path)
    handshake(tmp_path, tmp_path, "localhost", client=tmp_path)
    assert read(tmp_path, "ca").certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3000)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_mended(tmp_path: Path, name: str) -> None:
    make_development_pki(tmp_path)
    (tmp_path / name).write_text("-----BEGIN NONSENSE-----\n")
    make_development_pki(tmp_path)
    handshake(tmp_path, tmp_path, "localhost", client=tmp_path)


def test_a_key_of_another_certificate_is_noticed(tmp_path: Path, other_pki: Path) -> None:
    make_development_pki(tmp_path)
    (tmp_path / "server.key").write_bytes((other_pki / "server.key").read_bytes())
    make_development_pki(tmp_path)
    handshake(tmp_path, tmp_path, "localhost")


def test_renewing_gives_new_keys_of_the_same_authority_for_the_same_hosts(tmp_path: Path) -> None:
    make_development_pki(tmp_path, ["spark.local"])
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    make_development_pki(tmp_path, renew=True)
    changed = {name for name in FILES if (tmp_path / name).read_bytes() != before[name]}
    assert changed == {"server.crt", "server.key", "client.crt", "client.key"}
    handshake(tmp_path, tmp_path, "spark.local", client=tmp_path)


def test_a_copy_without_the_authoritys_key_is_not_replaced(tmp_path: Path) -> None:
    make_development_pki(tmp_path)
    (tmp_path / "ca.key").unlink()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"not its key: make certificates where the key is"):
        make_development_pki(tmp_path, ["spark.local"])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "ca.crt").unlink()
    make_development_pki(tmp_path)
    handshake(tmp_path, tmp_path, "localhost", client=tmp_path)


@pytest.mark.parametrize(
    "host", ["", "https://spark", "spark:8001", "two words", "-x", "a..b", "a" * 64, "*", "x\n", "spark/24", "ä" * 80]
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError, match="neither a host name nor an IP address"):
        make_development_pki(tmp_path / "tls", [host])
    assert not (tmp_path / "tls").exists()


def test_names_of_docker_of_other_alphabets_and_wildcards_are_good(tmp_path: Path) -> None:
    make_development_pki(tmp_path, ["sophia_proxy", "bücher.example", "*.lab.example", "fe80::1"])
    handshake(tmp_path, tmp_path, "riva.lab.example")
    handshake(tmp_path, tmp_path, "xn--bcher-kva.example")


def test_a_key_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    make_development_pki(tmp_path)
    (tmp_path / "client.key").chmod(0o644)  # as a careless copy leaves it
    make_development_pki(tmp_path)
    assert (tmp_path / "client.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_overlooks_them_wherever_they_lie(tmp_path: Path) -> None:
    make_development_pki(tmp_path / "tls")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    status = subprocess.run(["git", "-C", str(tmp_path), "status", "--porcelain"], check=True, capture_output=True)
    assert status.stdout == b""


def test_what_has_expired_is_shown_as_such(tmp_path: Path) -> None:
    make_development_pki(tmp_path)
    ca = Authority(read(tmp_path, "ca"))
    ca.client(timedelta(days=1), datetime.now(UTC) - timedelta(days=3)).write(tmp_path, "client")
    lines = certs.describe(tmp_path)
    assert "expired on" in lines[2]
    assert "expired" not in lines[0] + lines[1]


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert certs.main([str(tmp_path), "--show"]) == 0
    assert capsys.readouterr().out.count("missing") == 3
    assert certs.main([str(tmp_path), "--hosts", "lab.example"]) == 0
    told = capsys.readouterr().out
    assert "lab.example" in told
    key = (tmp_path / "server.key").read_bytes()
    assert certs.main([str(tmp_path), "--renew"]) == 0
    assert (tmp_path / "server.key").read_bytes() != key
    told += capsys.readouterr().out
    assert "PRIVATE" not in told


def test_command_line_says_in_one_line_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert certs.main([str(tmp_path / "file" / "tls")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert certs.main([str(tmp_path / "file")]) == 2
    assert "is a file: name a folder" in capsys.readouterr().err
