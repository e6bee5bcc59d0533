"""``stored_procedure``: a CALL on PostgreSQL, MySQL or MariaDB, made by a small child program.

Spec: ``{database: URL, procedure: "schema.name", parameters: {name: value | {out: type} | {inout: value, type}},
statement_timeout: seconds}``. The spec reaches the child as it is, in a file of the run's folder, and ``${env:NAME}``
is resolved over there: no argv, no file and no journal holds the database's password.
"""

from __future__ import annotations

import json
import sys
from urllib.parse import urlsplit

from conductor_agent import placeholders
from conductor_agent.executors.contract import Launch, Place
from conductor_agent.executors.spec import Spec

_CALL = "conductor_agent.children.call_procedure"


class StoredProcedureExecutor:
    """Procedures of databases."""

    def launch(self, place: Place) -> Launch:
        spec = Spec(
            "stored_procedure", place.filled()
        )  # a missing variable fails here, before anything is started
        spec.text("database")
        spec.mapping("parameters")
        spec.seconds("statement_timeout")
        call = {
            "spec": dict(place.run.spec),
            "values": placeholders.values_of(place.run),
            "messages": str(place.folder / "messages"),
            "slot": place.run.slot,
        }
        return Launch(
            argv=(sys.executable, "-m", _CALL, str(place.folder / "call")),
            modules=(_CALL, *_driver(spec.text("database"))),
            subjects=(spec.text("procedure"), _as_written(str(place.run.spec["database"]))),
            working_folder=place.root,
            files={"call": json.dumps(call).encode()},
        )


def _as_written(database: str) -> str:
    """The database for the allow-list: what ``${env:NAME}`` stands for, or a password, is nothing for a message."""
    parts = urlsplit(database)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.scheme else database


def _driver(url: str) -> tuple[str, ...]:
    """The module that the call will import for that database; what is wrong with the URL the call itself will say."""
    dialect = url.partition("://")[0].partition("+")[0]
    if dialect in ("postgresql", "postgres"):
        return ("conductor_agent.children.postgresql",)
    if dialect in ("mysql", "mariadb"):
        return ("conductor_agent.children.mysql",)
    return ()
