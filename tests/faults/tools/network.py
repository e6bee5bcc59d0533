"""A network of its own: a namespace for each machine, joined by a bridge; faults are nftables rules in the victim's.

Nothing of it reaches the machine's own network.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_numbers = itertools.count()


def missing() -> str:
    """Why there is none."""
    if os.geteuid() != 0:
        return "network namespaces are root's"
    lacking = [name for name in ("ip", "nft", "openssl") if shutil.which(name) is None]
    return f"there is no {', '.join(lacking)} (apt-get install iproute2 nftables openssl)" if lacking else ""


class Network:
    """Machines by name, each with an address."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._machines: dict[str, int] = {}
        self._hub = f"{prefix}hub"
        _run("ip", "netns", "add", self._hub)
        self._in(self._hub, "ip", "link", "add", "bridge", "type", "bridge")
        self._in(self._hub, "ip", "link", "set", "bridge", "up")

    def add(self, name: str) -> tuple[str, ...]:
        """A machine; what goes before a command that is to run there."""
        number = self._machines[name] = len(self._machines) + 1
        space, cable = f"{self._prefix}{name}", f"c{number}"
        _run("ip", "netns", "add", space)
        self._in(
            self._hub, "ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space
        )
        self._in(self._hub, "ip", "link", "set", cable, "master", "bridge", "up")
        self._in(space, "ip", "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
        self._in(space, "ip", "link", "set", "eth0", "up")
        self._in(space, "ip", "link", "set", "lo", "up")
        return ("ip", "netns", "exec", space)

    def address(self, name: str) -> str:
        return f"10.77.0.{self._machines[name]}"

    def drop(self, name: str, *, incoming: int = 0, outgoing: int = 0, peer: str = "") -> None:
        """From now on so many per cent of this machine's packets are lost, of those from and to ``peer`` if given."""
        space = f"{self._prefix}{name}"
        rules = ["add table inet fault"]
        for hook, percent, side in (("input", incoming, "saddr"), ("output", outgoing, "daddr")):
            whom = f"ip {side} {self.address(peer)} " if peer else ""
            chance = "" if percent == 100 else f"numgen random mod 100 < {percent} "
            device = "iifname" if hook == "input" else "oifname"
            rules.append(f"add chain inet fault {hook} {{ type filter hook {hook} priority 0; }}")
            if percent:
                rules.append(f'add rule inet fault {hook} {device} "eth0" {whom}{chance}drop')
        self._in(space, "nft", "\n".join(rules))

    def mend(self, name: str) -> None:
        self._in(f"{self._prefix}{name}", "nft", "delete table inet fault")

    def close(self) -> None:
        for name in [*(f"{self._prefix}{machine}" for machine in self._machines), self._hub]:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)

    def _in(self, space: str, *argv: str) -> None:
        _run("ip", "netns", "exec", space, *argv)


@contextmanager
def network() -> Iterator[Network]:
    made = Network(f"cf{os.getpid()}-{next(_numbers)}-")
    try:
        yield made
    finally:
        made.close()


def _run(*argv: str) -> Sequence[str]:
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout.splitlines()


def certificate_for(folder: Path, addresses: Sequence[str]) -> tuple[Path, Path]:
    """A self-signed certificate for these addresses, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=conductor"]
    argv += ["-addext", "subjectAltName=" + ",".join(f"IP:{address}" for address in addresses)]
    _run(*argv)
    return certificate, key
