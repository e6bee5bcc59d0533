"""What a server would lay open, judged before it opens anything. Each refusal names the remedy.

Addresses are resolved once, and what was judged is what is bound: a name that means something else a moment later, or
``localhost`` that does not mean this machine, opens nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from pathlib import Path

from conductor_server.model.errors import ConductorError, InsecureError

_OTHERS = 0o007
_SEARCHED_BY_OTHERS = 0o001


def addresses(listen: str, *, has_tls: bool, remedy: str) -> tuple[str, ...]:
    """The addresses of this machine that ``HOST:PORT`` means, as numbers.

    Without TLS only this machine may reach us: a token, and what we say, would travel in the clear. Raises
    InsecureError with the remedy; ConductorError when the host is no address of this machine.
    """
    host, _, port = listen.rpartition(":")
    found = [each for each in _resolved(host.strip("[]"), listen) if _can_be_bound(each)]
    if not found:
        raise ConductorError(f"{listen} cannot be listened on: {host} is no address of this machine")
    exposed = [str(each) for each in found if not each.is_loopback]
    if exposed and not has_tls:
        raise InsecureError(
            f"{listen} can be reached from other machines ({', '.join(exposed)}) without TLS: {remedy}"
        )
    return tuple(f"{f'[{each}]' if each.version == 6 else each}:{port}" for each in found)


def check_private(path: Path, what: str) -> None:
    """Raises InsecureError when other users of this machine can read or change the file; fine if there is none."""
    if path.exists() and path.stat().st_mode & _OTHERS and _can_be_reached(path):
        raise InsecureError(f"others can read {what} {path}: chmod o-rwx {path}")


def _can_be_reached(path: Path) -> bool:
    """Whether other users can go through all the folders above it."""
    return all(folder.stat().st_mode & _SEARCHED_BY_OTHERS for folder in path.resolve().parents)


def _resolved(host: str, listen: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConductorError(
            f"{listen} cannot be listened on: {host} is no address of this machine"
        ) from error
    found = [ipaddress.ip_address(info[4][0]) for info in infos]
    return list(dict.fromkeys(_without_mapping(each) for each in found))


def _without_mapping(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """``127.0.0.1`` of ``::ffff:127.0.0.1``, which is the same socket."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _can_be_bound(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """``localhost`` is often ``::1`` as well, also on machines without IPv6."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((str(address), 0))
        return True
    return False
