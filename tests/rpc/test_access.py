"""Who gets in: every method of every service, found in the descriptors, with every kind of credential."""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import shutil
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf import descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server.engine.clock import SystemClock
from conductor_server.model.credentials import Role
from conductor_server.model.errors import ConductorError, UnauthenticatedError
from conductor_server.rpc import authorization, denials
from conductor_server.rpc.authentication import Authenticator
from conductor_server.rpc.denials import Denial, Denials
from conductor_server.rpc.guard import Guard, GuardedServer
from conductor_server.rpc.server import SERVICES
from conductor_server.store import events, schema
from conductor_server.store.database import Database
from tests.golden import assert_golden
from tests.support.clock import VirtualClock
from tests.support.database import opened
from tests.support.server import PATIENCE_S, Served, seen, serving

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)

Metadata = tuple[tuple[str, str | bytes], ...]

METHODS = [
    method for service in SERVICES for method in descriptor_pool.Default().FindServiceByName(service).methods
]

NAMES = [f"/{method.containing_service.full_name}/{method.name}" for method in METHODS]

ROLES = [role.word for role in Role]


@pytest.fixture
async def served(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    async with serving(home) as served:
        yield served


def bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


async def create(served: Served, name: str, role: str, **said: Any) -> str:
    request = pb.CreateTokenRequest(name=name, role=pb.Role.Value(f"ROLE_{role.upper()}"), **said)
    return str((await served.ask("CreateToken", request)).text)


async def call(served: Served, method: Any, metadata: Metadata) -> tuple[grpc.StatusCode | None, str]:
    """How a call with an empty request ends, and what is said; ``None`` when it is answered and goes on."""
    arity = "_".join("stream" if s else "unary" for s in (method.client_streaming, method.server_streaming))
    start = getattr(served.channel, arity)(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    if method.client_streaming:
        running = start(metadata=metadata, timeout=PATIENCE_S)
        await running.done_writing()
    else:
        request = GetMessageClass(method.input_type)()
        if method.name == "WatchEvents":
            request = pb.WatchEventsRequest(after_event_id=1)  # there are some that everybody is told
        running = start(request, metadata=metadata, timeout=PATIENCE_S)
    if method.server_streaming:
        try:
            if await running.read() is not grpc.aio.EOF:
                running.cancel()
                return None, ""
        except grpc.aio.AioRpcError:
            pass
    return await running.code(), await running.details()


def word(code: grpc.StatusCode | None) -> str:
    match code:
        case grpc.StatusCode.UNAUTHENTICATED:
            return "-"
        case grpc.StatusCode.PERMISSION_DENIED:
            return "no"
        case _:
            return "yes"


async def test_every_method_with_every_credential(served: Served) -> None:
    """The matrix is golden: who gains or loses a method by a change shows in its diff."""
    for token in ("acme", "bolt"):
        await served.ask("AddAccount", pb.AddAccountRequest(account=pb.Account(token=token, timezone="UTC")))
    tokens = {role: await create(served, f"a-{role}", role) for role in ROLES}
    tokens |= {
        f"{role} of acme": await create(served, f"acmes-{role}", role, accounts=["acme"])
        for role in ("viewer", "operator")
    }
    revoked = await create(served, "revoked", "admin")
    expired = await create(served, "expired", "admin")
    await served.ask("RevokeToken", pb.RevokeTokenRequest(name="revoked"))
    with opened(f"sqlite:///{served.home / 'conductor.db'}") as database:
        past = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        expiring = sa.update(schema.token).where(schema.token.c.name == "expired").values(expires_at=past)
        database.write(lambda db: db.execute(expiring))
    admin = tokens["admin"]
    nobody: dict[str, Metadata] = {
        "none": (),
        "empty": bearer(""),
        "garbage": bearer("x"),
        "no scheme": (("authorization", admin),),
        "another scheme": (("authorization", f"Basic {admin}"),),
        "a suffix": bearer(f"{admin}x"),
        "a prefix": bearer(admin[:-1]),
        "upper case": bearer(admin.upper()),
        "another kind": bearer(tokens["viewer"].replace("viewer", "admin")),
        "another secret": bearer(f"{admin[:-4]}aaaa"),
        "another header": (("authorization-bin", f"Bearer {admin}".encode()),),
        "two of them": bearer(admin) + bearer(admin),
        "revoked": bearer(revoked),
        "expired": bearer(expired),
    }
    somebody = {role: bearer(token) for role, token in tokens.items()} | {"home": served.metadata}
    lines = ["| method | nobody | " + " | ".join(somebody) + " |", "|---|---|" + "---|" * len(somebody)]
    for name, method in zip(NAMES, METHODS, strict=True):
        answers = {who: await call(served, method, metadata) for who, metadata in nobody.items()}
        [let_in] = {word(code) for code, _ in answers.values()}
        cells = [let_in, *[word((await call(served, method, given))[0]) for given in somebody.values()]]
        lines.append(f"| `{name.rpartition('.')[2]}` | {' | '.join(cells)} |")
        if let_in == "-":
            assert "no token: send one as" in answers["none"][1]
            assert "a token that this server did not issue" in answers["another secret"][1]
            assert "the token revoked was revoked at" in answers["revoked"][1]
            assert "the token expired expired at 2026-01-01 00:00:00Z" in answers["expired"][1]
    assert_golden("access.md", "\n".join(lines) + "\n")

    # Some hundred refusals, and few rows: each says who, what and why.
    listed = await served.ask("ListEvents", pb.ListEventsRequest(kind=denials.KIND, page_size=1000))
    assert 0 < len(listed.events) <= denials.KINDS_MAX + 1
    assert {event.actor for event in listed.events} >= {denials.ANONYMOUS}
    assert {event.subject for event in listed.events} >= {"Register", "ClaimRun"}
    for text in (admin, revoked, *tokens.values()):
        assert text not in str(listed), "a token is in no event"


async def test_the_reference_has_the_same_matrix() -> None:
    root = Path(__file__).parents[2]
    golden = (root / "tests/golden/access.md").read_text()
    assert golden in (root / "docs/reference/security.md").read_text()


def test_the_registry_is_the_wire() -> None:
    assert sorted(authorization.ACCESS) == sorted(NAMES)
    assert {name for name, access in authorization.ACCESS.items() if access == authorization.OPEN} == {
        name for name in NAMES if name.startswith(("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha."))
    }


# ------------------------------------------------------------------------------------------------ what is not known


class Added:
    """A server that services are added to, and nothing else."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.handlers |= {f"/{service}/{name}": handler for name, handler in handlers.items()}


@pytest.fixture
def store(sqlite: Database) -> Database:
    return sqlite


def guard(store: Database) -> Guard:
    clock = SystemClock()
    return Guard(store, clock, Authenticator(store, clock, home_token="h" * 40), Denials(store, clock))


@pytest.mark.parametrize(
    "service", ["conductor_proto.v1.ControlService", "x.grpc.health.v1.Health", "conductor_proto.v1.New"]
)
def test_a_method_that_nobody_has_thought_of_keeps_the_server_from_starting(
    store: Database, service: str
) -> None:
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
    added = Added()
    with pytest.raises(ConductorError, match=f"nothing says who may call /{service}/Forgotten"):
        GuardedServer(added, guard(store)).add_registered_method_handlers(  # type: ignore[arg-type]
            service, {"Forgotten": handler}
        )
    assert added.handlers == {}


def test_a_line_without_a_method_keeps_the_server_from_starting() -> None:
    authorization.check_all_served(NAMES)
    with pytest.raises(ConductorError, match=r"methods that are not served: .*/GetStatus"):
        authorization.check_all_served([name for name in NAMES if not name.endswith("/GetStatus")])


@given(st.sampled_from(NAMES), st.text(max_size=12), st.text(max_size=12))
def test_only_a_whole_name_is_a_method(name: str, before: str, after: str) -> None:
    """Exemptions by prefix or suffix have let strangers in elsewhere: `…/health` is no health check."""
    other = f"{before}{name}{after}"
    if other != name:
        with pytest.raises(ConductorError):
            authorization.access_to(other)


@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1"))))
def test_garbage_is_no_bearer(text: str) -> None:
    """Nothing but the token itself gets in, and no database is asked about what has not its form."""
    token = "cdr_home_abcdefgh_" + "a" * 52
    authenticator = Authenticator(None, SystemClock(), home_token=token)  # type: ignore[arg-type]
    for value in (
        text,
        f"Bearer {text}",
        f"Bearer {token}{text}" if text else "",
        f"Bearer {text}{token[1:]}",
    ):
        if value == f"Bearer {token}":
            continue
        with pytest.raises(UnauthenticatedError):
            authenticator.identify([("authorization", value)], {})
    assert authenticator.identify([("authorization", f"Bearer {token}")], {}).name == "home"


# ------------------------------------------------------------------------------------------------ tokens


async def test_a_token_is_kept_as_its_hash(served: Served) -> None:
    text = await create(served, "night-shift", "operator")
    kind, id, secret = text.removeprefix("cdr_").split("_")
    assert kind == "operator"
    assert len(secret) * 5 >= 256, "base32"
    [token] = (await served.ask("ListTokens", pb.ListTokensRequest())).tokens
    assert (token.id, token.name, token.role, token.created_by) == (
        id,
        "night-shift",
        pb.ROLE_OPERATOR,
        "home",
    )
    stored = b"".join(path.read_bytes() for path in served.home.glob("conductor.db*"))
    assert id.encode() in stored
    assert secret.encode() not in stored


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        pytest.param({"name": "", "role": pb.ROLE_VIEWER}, "cannot be called ''", id="no-name"),
        pytest.param({"name": "a b", "role": pb.ROLE_VIEWER}, "cannot be called 'a b'", id="space"),
        pytest.param({"name": "home", "role": pb.ROLE_VIEWER}, "cannot be called 'home'", id="reserved"),
        pytest.param({"name": "x"}, "one of viewer, operator, author, admin, agent", id="no-role"),
        pytest.param(
            {"name": "x", "role": pb.ROLE_ADMIN, "sources": ["shell"]}, "bound an agent's", id="bound"
        ),
        pytest.param({"name": "x", "role": pb.ROLE_AGENT, "sources": ["sh"]}, "no source 'sh'", id="source"),
        pytest.param({"name": "x", "role": pb.ROLE_AGENT, "accounts": ["a"]}, "no account 'a'", id="account"),
        pytest.param({"name": "x", "role": pb.ROLE_AGENT, "agents": ["a/b"]}, "called 'a/b'", id="agent"),
        pytest.param(
            {"name": "x", "role": pb.ROLE_VIEWER, "expires_at": {"seconds": 1}}, "passed", id="past"
        ),
        pytest.param({"name": "taken", "role": pb.ROLE_VIEWER}, "a token 'taken' already", id="taken"),
    ],
)
async def test_tokens_that_cannot_be(served: Served, request_: dict[str, Any], said: str) -> None:
    await create(served, "taken", "viewer")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await served.ask("CreateToken", pb.CreateTokenRequest(**request_))
    assert said in str(refused.value.details())
    assert len((await served.ask("ListTokens", pb.ListTokensRequest())).tokens) == 1


async def test_a_name_is_free_when_its_token_is_revoked(served: Served) -> None:
    first = await create(served, "etl", "viewer")
    for _ in range(2):
        token = (await served.ask("RevokeToken", pb.RevokeTokenRequest(name="etl"))).token
        assert token.HasField("revoked_at")
        second = await create(served, "etl", "viewer")
        with pytest.raises(grpc.aio.AioRpcError, match="was revoked at"):
            await served.with_token(first).status()
        await served.with_token(second).status()
        first = second
    with pytest.raises(grpc.aio.AioRpcError, match="there is no token 'nobody'"):
        await served.ask("RevokeToken", pb.RevokeTokenRequest(name="nobody"))
    pages, token_key = [], ""
    while token_key or not pages:
        page = await served.ask("ListTokens", pb.ListTokensRequest(page_size=1, page_token=token_key))
        pages += page.tokens
        token_key = page.next_page_token
    assert [each.HasField("revoked_at") for each in pages].count(False) == 1
    assert len({each.id for each in pages}) == 3


async def test_the_last_use_is_noted(served: Served) -> None:
    token = await create(served, "etl", "viewer")
    await served.with_token(token).status()

    async def last_used() -> bool:
        [shown] = (await served.ask("ListTokens", pb.ListTokensRequest())).tokens
        return bool(shown.HasField("last_used_at"))

    await seen(last_used)


# ------------------------------------------------------------------------------------------------ ending


def watch(served: Served, *, after: int = 1) -> Any:
    stub = served.channel.unary_stream(
        "/conductor_proto.v1.ControlService/WatchEvents",
        request_serializer=pb.WatchEventsRequest.SerializeToString,
        response_deserializer=pb.WatchEventsResponse.FromString,
    )
    return stub(pb.WatchEventsRequest(after_event_id=after), metadata=served.metadata)


async def ended(stream: Any) -> tuple[grpc.StatusCode, str]:
    """How the server ends a stream; what it says before is passed over."""
    with suppress(grpc.aio.AioRpcError):
        while await stream.read() is not grpc.aio.EOF:
            pass
    return await stream.code(), await stream.details()


async def told(served: Served, name: str = "acme") -> None:
    """Something that happened, which every watcher is told."""
    await served.ask("AddAccount", pb.AddAccountRequest(account=pb.Account(token=name, timezone="UTC")))


async def test_revoking_a_token_ends_its_open_streams_on_every_server(
    postgres_url: str, postgres_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.postgres import fresh_database

    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "one"))
    with fresh_database(postgres_url, template=postgres_template) as url:
        async with (
            serving(tmp_path / "one", CONDUCTOR_DATABASE=url) as one,
            serving(tmp_path / "two", CONDUCTOR_DATABASE=url) as two,
        ):
            await told(one)
            await told(one, "bolt")
            gone, kept = await create(one, "gone", "viewer"), await create(one, "kept", "viewer")
            claims = await create(one, "etl", "agent")
            streams = [watch(each.with_token(token)) for each in (one, two) for token in (gone, kept)]
            for stream in streams:
                assert await stream.read() is not grpc.aio.EOF, "it is open"
            agent = two.with_token(claims).agents.ClaimRun(metadata=bearer(claims))
            for name in ("gone", "etl"):
                await one.ask("RevokeToken", pb.RevokeTokenRequest(name=name))
            for stream in (streams[0], streams[2], agent):
                code, details = await ended(stream)
                assert code is grpc.StatusCode.UNAUTHENTICATED
                assert "was revoked at" in details
            assert not streams[1].done()
            assert not streams[3].done()
            with pytest.raises(grpc.aio.AioRpcError, match="was revoked at"):
                await two.with_token(gone).status()


async def test_a_token_that_expires_ends_its_open_streams(served: Served) -> None:
    await told(served)
    await told(served, "bolt")
    token = await create(served, "short", "viewer")
    stream = watch(served.with_token(token))
    assert await stream.read() is not grpc.aio.EOF, "it is open"
    with opened(f"sqlite:///{served.home / 'conductor.db'}") as database:
        now = SystemClock().now()
        expiring = sa.update(schema.token).where(schema.token.c.name == "short").values(expires_at=now)
        database.write(lambda db: db.execute(expiring))
    code, details = await ended(stream)
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert "the token short expired at" in details


# ------------------------------------------------------------------------------------------------ the audit

CHANGES: dict[str, Any] = {
    "AddAccount": pb.AddAccountRequest(account=pb.Account(token="acme", timezone="UTC")),
    "SetMaintenance": pb.SetMaintenanceRequest(account="acme"),
    "RemoveAccount": pb.RemoveAccountRequest(token="acme"),
    "SetDefinitionActive": pb.SetDefinitionActiveRequest(name="load"),
    "CancelRun": pb.CancelRunRequest(),  # of the run that there is
    "RerunSlot": pb.RerunSlotRequest(name="load/once", actor="ada"),
    "SucceedSlot": pb.SucceedSlotRequest(name="load/once", reason="seen"),
    "FailSlot": pb.FailSlotRequest(name="load/once", reason="seen"),
    "CreateToken": pb.CreateTokenRequest(name="x", role=pb.ROLE_VIEWER),
    "RevokeToken": pb.RevokeTokenRequest(name="x"),
}
"""Calls that change something, in an order in which they can."""

ELSEWHERE = {"ReleaseSlot", "DiscardSlot", "ConfirmRemoval"}
"""Changes that need a failed or quarantined slot, or a removal that was held back: see test_control_service."""

LOOKS = {"ReadRunLogs", "ListEvents", "ListTokens"}
"""Not for viewers, and yet they change nothing."""


async def test_every_change_is_an_event_with_the_tokens_name(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = {
        name.rpartition("/")[2]
        for name, access in authorization.ACCESS.items()
        if access in (Role.OPERATOR, Role.AUTHOR, Role.ADMIN)
    }
    assert changing == CHANGES.keys() | ELSEWHERE | LOOKS, "a new one belongs here too"
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    async with serving(home, {"name": "load"}) as served:
        [run] = await seen(served.runs, lambda runs: len(runs) == 1)
        boss = served.with_token(await create(served, "boss", "admin"))

        async def newest() -> Any:
            listed = await served.ask("ListEvents", pb.ListEventsRequest(actor="boss", page_size=1))
            return listed.events[0] if listed.events else None

        before = None
        for method, request in CHANGES.items():
            if method == "CancelRun":
                request = pb.CancelRunRequest(id=run.id)
            await boss.ask(method, request)
            event = await newest()
            assert event is not None, method
            assert event.id != before, f"{method} has left no event"
            before = event.id
            assert event.actor == ("boss for ada" if method == "RerunSlot" else "boss")


async def test_only_administrators_watch_the_audit(served: Served) -> None:
    await told(served)
    newest = (await served.ask("ListEvents", pb.ListEventsRequest(include_engine=True))).events[0].id
    viewer = served.with_token(await create(served, "eyes", "viewer"))
    await told(served, "bolt")
    seen_by_viewer, seen_by_admin = watch(viewer, after=newest), watch(served, after=newest)
    kinds = [(await seen_by_admin.read()).kind for _ in range(2)]
    assert kinds == ["token.created", "account.added"]
    assert (await seen_by_viewer.read()).kind == "account.added"


def test_a_flood_of_refusals_is_a_handful_of_rows(store: Database) -> None:
    clock = VirtualClock(NOON)
    recorder = Denials(store, clock)

    def rows() -> list[Any]:
        return list(store.read(lambda db: events.page(db, kind=denials.KIND, before=None, limit=1000)[0]))

    same = Denial(actor="anonymous", method="Register", why="no token")
    for number in range(10_000):
        recorder.record(same, peer=f"ipv4:10.0.0.{number % 250}:1")
    for number in range(10_000):
        recorder.record(Denial(actor="etl", method="Complete", why=f"run {number}"), peer="ipv6:%5B::1%5D:2")
    store.write(lambda db: None)  # what was submitted is written
    assert len(rows()) == denials.KINDS_MAX + 1
    assert "no token (from 10.0.0.0)" in {row.message for row in rows()}

    recorder.flush()
    store.write(lambda db: None)
    assert len(rows()) == denials.KINDS_MAX + 1, "the minute is not over"
    clock.advance(denials.WINDOW)
    recorder.flush()
    store.write(lambda db: None)
    more = sorted(row.message for row in rows() if " more since " in row.message)
    assert len(more) == 2
    assert "no token: 9,999 more since" in more[0]
    assert "(last from 10.0.0.249)" in more[0]
    assert "refused for other reasons: 9,970 more" in more[1]

    recorder.record(same, peer="ipv4:10.0.0.1:1")
    store.write(lambda db: None)
    assert len(rows()) == denials.KINDS_MAX + 4, "a new minute begins with a row"


def test_there_is_an_end_to_the_rows(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denials, "ROWS_MAX", 5)
    monkeypatch.setattr(denials, "TRIM_EVERY", 1)
    clock = VirtualClock(NOON)
    recorder = Denials(store, clock)
    for number in range(20):
        recorder.record(Denial(actor="x", method="Register", why=f"{number}"), peer="unix:")
    store.write(lambda db: None)
    kept = store.read(lambda db: events.page(db, before=None, limit=100)[0])
    assert [row.message for row in kept] == [f"{number} (from unix:)" for number in range(19, 14, -1)]


@pytest.mark.parametrize("path", ["/metrics", "/health"])
async def test_the_http_routes_ask_for_nothing_and_take_nothing(served: Served, path: str) -> None:
    """They are on loopback only; a credential makes no difference, and nothing can be changed there."""

    def fetch(path: str, method: str, *headers: tuple[str, str]) -> int:
        connection = http.client.HTTPConnection(served.metrics_address, timeout=PATIENCE_S)
        with closing(connection):
            connection.request(method, path, headers=dict(headers))
            return connection.getresponse().status

    for header in ((), (("Authorization", "Bearer x"),), (("Authorization", f"Bearer {served.token}"),)):
        assert await asyncio.to_thread(fetch, path, "GET", *header) == 200
        assert await asyncio.to_thread(fetch, f"/x{path}", "GET", *header) == 404
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert await asyncio.to_thread(fetch, path, method, *header) == 405
