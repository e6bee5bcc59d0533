"""Accounts, matrices and their members are those that the sources list."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from conductor_server.engine.readings import each_reading
from conductor_server.engine.removal import Removal, held_back
from conductor_server.engine.step import StepResult, Tick
from conductor_server.model.definition import ACCOUNT_MATRIX, Account, Declarations, Matrix
from conductor_server.policy.diff import diff
from conductor_server.policy.frequency import local_instant, zone
from conductor_server.store import agenda, declared_members, events, matrices, members
from conductor_server.store.declared_members import Owned
from conductor_server.store.events import Event


def ensure_accounts_exist(db: sa.Connection, tick: Tick) -> StepResult:
    """Add, change and remove accounts and members, each source its own."""
    return each_reading(db, tick, _apply)


def _apply(db: sa.Connection, reading: Declarations, *, now: dt.datetime) -> tuple[int, list[str]]:
    """What was changed, and what could not be done."""
    changed, problems = _accounts(db, reading, now=now)
    changed += matrices.declare(db, reading.matrices, source_token=reading.source_token)
    for matrix in reading.matrices:
        done, problem = _members(db, matrix, reading.source_token, now=now)
        changed += done
        problems += problem
    return changed, problems


def _accounts(db: sa.Connection, reading: Declarations, *, now: dt.datetime) -> tuple[int, list[str]]:
    token = reading.source_token
    stored = {account.token: account for account in members.accounts(db, source_token=token)}
    elsewhere = {account.token for account in members.accounts(db)} - stored.keys()
    problems = [
        f"{account.place}: account {account.token} is there already, from another source: remove it there first"
        for account in reading.accounts
        if account.token in elsewhere
    ]
    declared = {account.token: account for account in reading.accounts if account.token not in elsewhere}
    changes = diff(
        stored={name: _described(_stored_as_declared(account)) for name, account in stored.items()},
        desired={name: _described(account) for name, account in declared.items()},
    )
    removal = Removal(kind="account", source_token=token, stored=len(stored), names=changes.removed)
    if refusal := held_back(db, removal, empty=not declared, now=now):
        problems.append(refusal)
    else:
        members.remove(db, [stored[name].id for name in changes.removed])
        events.append(db, (_event("account.removed", name, token) for name in changes.removed), now=now)
    members.add_accounts(
        db,
        ((declared[name], starts_at(declared[name], added=now)) for name in changes.added),
        source_token=token,
        now=now,
    )
    events.append(db, (_event("account.added", name, token) for name in changes.added), now=now)
    for name in changes.changed:
        begins = starts_at(declared[name], added=stored[name].starts_at)
        members.update_account(db, declared[name], starts_at=begins, now=now)
    events.append(db, (_event("account.changed", name, token) for name in changes.changed), now=now)
    # When a maintenance ends, any slot of that account may start.
    for name in (*changes.added, *changes.changed):
        if (until := declared[name].maintenance_until) is not None:
            agenda.note_everything(db, at=until)
    removed = 0 if refusal else len(changes.removed)
    return len(changes.added) + len(changes.changed) + removed, problems


def starts_at(account: Account, *, added: dt.datetime) -> dt.datetime:
    """From when on an account has slots: as it says, in its own zone, else from when it was added."""
    return added if account.starts_on is None else local_instant(account.starts_on, zone(account.timezone))


def _described(account: Account) -> str:
    """What counts as a change; an instant is the same in whichever zone it is written."""
    begins = "" if account.starts_on is None else account.starts_on.isoformat()
    until = account.maintenance_until and account.maintenance_until.astimezone(dt.UTC)
    return f"{account.timezone} {begins} {until} {account.max_running}"


def _stored_as_declared(account: members.StoredAccount) -> Account:
    return Account(
        token=account.token,
        timezone=account.timezone,
        starts_on=_stored_start(account),
        maintenance_until=account.maintenance_until,
        max_running=account.max_running,
    )


def _stored_start(account: members.StoredAccount) -> dt.date | dt.datetime | None:
    """What is no date any more counts as none, and is then written anew."""
    parse = dt.datetime.fromisoformat if "T" in account.starts_on else dt.date.fromisoformat
    try:
        return parse(account.starts_on) if account.starts_on else None
    except ValueError:
        return None


def _members(
    db: sa.Connection, matrix: Matrix, source_token: str, *, now: dt.datetime
) -> tuple[int, list[str]]:
    """Add and remove members of a declared matrix. Those whose parent is not there are left for when it comes."""
    owned = declared_members.owned(db, matrix=matrix.name, parent=matrix.parent, source_token=source_token)
    with declared_members.collected(db, matrix.members):
        if other := declared_members.elsewhere(db, owned):
            return 0, [
                f"{matrix.place}: {matrix.name} {other} is there already, from another source: remove it there first"
            ]
        removed, refusal = _remove_members(db, matrix, owned, now=now)
        added = declared_members.add(db, owned, now=now)
    if added or removed:
        message = f"{added} members added, {removed} removed, as {source_token} says"
        events.append(db, [Event(kind="matrix.changed", subject=matrix.name, message=message)], now=now)
    return added + removed, [refusal] if refusal else []


def _remove_members(db: sa.Connection, matrix: Matrix, owned: Owned, *, now: dt.datetime) -> tuple[int, str]:
    """How many were removed, or why none was."""
    stored, gone = declared_members.count(db, owned), declared_members.gone(db, owned)
    removal = Removal(
        kind=f"{matrix.name} member",
        source_token=owned.source_token,
        stored=stored,
        names=tuple(gone),
    )
    if refusal := held_back(db, removal, empty=len(gone) == stored, now=now):
        return 0, refusal
    members.remove(db, gone.values())
    return len(gone), ""


def _event(kind: str, name: str, source_token: str) -> Event:
    return Event(kind=kind, subject=name, message=f"{ACCOUNT_MATRIX} {name}, as {source_token} says")
