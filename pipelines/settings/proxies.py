"""Which proxy the environment puts before a host, and before which hosts none may stand.

A proxy cannot reach this machine by the names and addresses that the machine has for itself. So none stands before
those, whatever the environment says.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path

HOSTS = Path("/etc/hosts")

RPC = ("grpc_proxy", "https_proxy", "http_proxy")
"""The variables that gRPC's core reads, in its order; in small letters only."""

HTTPS = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
HTTP = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
"""Those that HTTP clients read."""


def is_own(host: str) -> bool:
    """Whether ``host`` is this machine: loopback, one of its addresses, or a name that it has for itself.

    No name server is asked: the machine's name and the file of hosts must know it.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        return _is_own_address(name)
    except ValueError:
        pass
    own = socket.gethostname().lower()
    if name in {"localhost", own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}:
        return True
    return name.endswith(".localhost") or any(map(_is_own_address, _in_hosts_file(name)))


def proxy_before(host: str, variables: tuple[str, ...]) -> str:
    """The proxy before ``host`` and the variable that names it, as people read it; empty if there is none."""
    environment = os.environ
    variable = next((name for name in variables if environment.get(name)), None)
    if variable is None or is_own(host):
        return ""
    if variables is RPC:
        exempt = environment.get("no_grpc_proxy") or environment.get("no_proxy", "")
    else:
        exempt = environment.get("no_proxy") or environment.get("NO_PROXY", "")
    if any(_exempts(entry.strip().lower(), host.strip("[]").lower()) for entry in exempt.split(",")):
        return ""
    place = environment[variable].rpartition("://")[2].partition("/")[0]
    return f"{place.rpartition('@')[2]} ({variable})"  # without the password that may stand before it


def _is_own_address(text: str) -> bool:
    """Raises ``ValueError`` for what is no address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if address.is_loopback or address.is_unspecified or (mapped and mapped.is_loopback):
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((text, 0))  # nobody can bind an address of another machine
    except OSError:
        return False
    return not address.is_multicast


def _in_hosts_file(name: str) -> list[str]:
    try:
        lines = HOSTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    entries = [line.partition("#")[0].split() for line in lines]
    found = [entry[0] for entry in entries if name in (alias.lower() for alias in entry[1:])]
    return [address for address in found if _is_address(address)]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _exempts(entry: str, host: str) -> bool:
    """Whether an entry of no_proxy means the host: ``*``, a name and those below it, an address, a network."""
    name = entry.removeprefix("*").removeprefix(".")
    if entry == "*" or (name and (host == name or host.endswith(f".{name}"))):
        return True
    try:
        return "/" in entry and ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
