"""The table of what a server would lay open: docs/reference/security.md, literally; and what is really bound."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from conductor_server.model.errors import InsecureError
from conductor_server.rpc import exposure
from tests.support.processes import Home
from tests.support.server import serving

OPEN, REFUSED = True, False


@pytest.mark.parametrize(
    ("host", "has_tls", "expected"),
    [
        pytest.param("127.0.0.1", False, OPEN, id="loopback"),
        pytest.param("127.8.9.1", False, OPEN, id="loopback-too"),
        pytest.param("[::1]", False, OPEN, id="loopback-6"),
        pytest.param("localhost", False, OPEN, id="localhost"),
        pytest.param("[::ffff:127.0.0.1]", False, OPEN, id="loopback-mapped"),
        pytest.param("0.0.0.0", False, REFUSED, id="any"),
        pytest.param("0", False, REFUSED, id="any-as-a-number"),
        pytest.param("[::]", False, REFUSED, id="any-6"),
        pytest.param("[::ffff:0.0.0.0]", False, REFUSED, id="any-mapped"),
        pytest.param("0.0.0.0", True, OPEN, id="any-tls"),
        pytest.param("[::]", True, OPEN, id="any-6-tls"),
    ],
)
def test_where_a_server_may_listen(host: str, has_tls: bool, expected: bool) -> None:
    def judged() -> tuple[str, ...]:
        return exposure.addresses(f"{host}:7400", has_tls=has_tls, remedy="do this")

    if host.startswith("[::") and "ffff" not in host and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    if expected is REFUSED:
        with pytest.raises(
            InsecureError, match=r"can be reached from other machines \(.*\) without TLS: do this"
        ):
            judged()
    else:
        assert all(each.endswith(":7400") and each[0] in "[0123456789" for each in judged()), "no names"


def test_a_name_is_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hosts file may say that `localhost` is another place; a name of this machine is mostly seen from outside."""
    away = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("0.0.0.0", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: away)
    with pytest.raises(InsecureError, match="localhost:1 can be reached from other machines"):
        exposure.addresses("localhost:1", has_tls=False, remedy="")


async def test_what_is_bound_is_what_was_judged(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    async with serving(home, CONDUCTOR_LISTEN="localhost:0") as served:
        port = int(served.address.rpartition(":")[2])
        connections = psutil.Process().net_connections("tcp")
        bound = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.port == port}
    assert bound
    assert bound <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can go into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def test_a_file_that_others_can_read(public: Path) -> None:
    file = public / "server.key"
    exposure.check_private(file, "the TLS key")  # there is none
    file.touch(mode=0o640)
    exposure.check_private(file, "the TLS key")
    file.chmod(0o644)
    with pytest.raises(InsecureError, match=f"others can read the TLS key {file}: chmod o-rwx {file}"):
        exposure.check_private(file, "the TLS key")
    public.chmod(0o700)
    exposure.check_private(file, "the TLS key")


@pytest.mark.e2e
def test_the_exit_code_is_for_service_managers(home: Home, public: Path) -> None:
    done = home.run("conductor-server", "--listen", "0.0.0.0:0")
    assert done.returncode == 78
    assert "--listen 127.0.0.1:7400, or give --tls-certificate and --tls-key" in done.stderr
    done = home.run("conductor-server", "--metrics-listen", "[::]:0")
    assert done.returncode == 78
    assert "metrics have no TLS" in done.stderr
    (public / "open.db").touch()
    (public / "open.db").chmod(0o644)
    done = home.run("conductor-server", "--database", f"sqlite:///{public / 'open.db'}")
    assert done.returncode == 78
    assert "others can read the database" in done.stderr
