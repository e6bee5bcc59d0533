"""What operators ask for: each is one transaction that changes the rows, and leaves an event that says who asked.

Called by ControlService and the pages. The engine finds what follows from it in its next pass.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from conductor_server.engine.steps.ensure_accounts_exist import starts_at
from conductor_server.model.definition import Account
from conductor_server.model.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidRequestError,
    InvalidTransitionError,
    NotFoundError,
)
from conductor_server.model.states import Outcome, RunStatus, SlotState
from conductor_server.store import (
    agenda,
    claims,
    completions,
    confirmations,
    definition_pages,
    definitions,
    events,
    lineage,
    members,
    run_pages,
    runs,
    slots,
)
from conductor_server.store.completions import Report
from conductor_server.store.events import Event
from conductor_server.store.sight import Sight

OPERATOR = "operator"
"""Who asked, where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who asks, when, and whose work they see: what they do not see they cannot change."""

    name: str
    now: dt.datetime
    sight: Sight = None

    def note(self, db: sa.Connection, kind: str, subject: str, message: str) -> None:
        event = Event(kind=kind, subject=subject, message=message, actor=self.name or OPERATOR)
        events.append(db, [event], now=self.now)


def rerun(db: sa.Connection, slot_id: int, slot: str, by: Operator) -> int:
    """Run a slot once more; slots below that were skipped are decided again. Answers the run.

    Raises ConflictError when a run is live.
    """
    run_id = runs.rerun(db, slot_id, now=by.now)
    if run_id is None:
        raise _busy(db, slot_id, slot)
    reopened = lineage.reopen_skipped(db, slot_id, now=by.now)
    also = f"; {reopened} skipped slots below it are decided again" if reopened else ""
    by.note(db, "slot.rerun", slot, f"run {run_id} created{also}")
    return run_id


def release(db: sa.Connection, slot_id: int, slot: str, by: Operator) -> None:
    """Let a quarantined slot try again, in a new series. Raises InvalidTransitionError for any other."""
    state = slots.state_of(db, slot_id)
    if state is not SlotState.QUARANTINED:
        raise InvalidTransitionError(
            f"{slot} is {state.word}, not quarantined: to run it once more, use conductor-cli rerun {slot}"
        )
    run_id = runs.rerun(db, slot_id, now=by.now)
    if run_id is None:
        raise _busy(db, slot_id, slot)
    by.note(db, "slot.released", slot, f"run {run_id} created")


def discard(db: sa.Connection, slot_id: int, slot: str, by: Operator) -> None:
    """Give a slot up for good. Nothing happens to one that was given up before.

    Raises InvalidTransitionError when it has succeeded or is skipped, ConflictError when a run of it is live.
    """
    state = slots.state_of(db, slot_id)
    if state is SlotState.CANCELLED:
        return
    if state in (SlotState.SUCCEEDED, SlotState.SKIPPED):
        raise InvalidTransitionError(f"{slot} is {state.word}: there is nothing to give up")
    if not slots.discard(db, slot_id, reason=f"discarded by {by.name or OPERATOR}", now=by.now):
        raise _busy(db, slot_id, slot)
    agenda.note(db, [slot_id], at=by.now)
    by.note(db, "slot.discarded", slot, f"it was {state.word}")


def succeed(db: sa.Connection, slot_id: int, slot: str, by: Operator, *, reason: str) -> int:
    """Record that a slot's work was done, because somebody knows it. Answers the run that says so.

    Raises InvalidRequestError without a reason, InvalidTransitionError when it has succeeded, ConflictError when an
    agent is at it.
    """
    return _decide(db, slot_id, slot, by, outcome=Outcome.SUCCEEDED, reason=reason)


def fail(db: sa.Connection, slot_id: int, slot: str, by: Operator, *, reason: str) -> int:
    """Record that a slot has failed for good, because somebody knows it. Answers and raises like ``succeed``."""
    run_id = _decide(db, slot_id, slot, by, outcome=Outcome.FAILED, reason=reason)
    slots.fail(db, slot_id, reason=f"marked as failed by {by.name or OPERATOR}: {reason}", now=by.now)
    return run_id


def _decide(
    db: sa.Connection, slot_id: int, slot: str, by: Operator, *, outcome: Outcome, reason: str
) -> int:
    """A run of the operator's own goes the way of every other: created, held, reported. What follows, follows."""
    if not reason.strip():
        raise InvalidRequestError(
            "give a reason: whoever looks at the slot later will want it", field="reason"
        )
    wanted = SlotState.SUCCEEDED if outcome is Outcome.SUCCEEDED else SlotState.FAILED
    if slots.state_of(db, slot_id) is wanted:
        raise InvalidTransitionError(f"{slot} is {wanted.word} already")
    name = by.name or OPERATOR
    run_id = runs.live_run(db, slot_id) or runs.rerun(db, slot_id, now=by.now)
    lease = None if run_id is None else claims.take(db, run_id, name, now=by.now)
    if lease is None:
        raise _busy(db, slot_id, slot)
    report = Report(
        agent=name,
        lease=lease,
        completion_id=f"operator-{lease.run_id}-{lease.epoch}",
        outcome=outcome,
        exit_code=None,
        error="" if outcome is Outcome.SUCCEEDED else reason,
        result={"marked_by": name, "reason": reason},
        checkpoint=None,
    )
    completions.complete(db, [report], now=by.now)
    reopened = lineage.reopen_skipped(db, slot_id, now=by.now)
    also = f"; {reopened} skipped slots below it are decided again" if reopened else ""
    by.note(db, f"slot.marked_{wanted.word}", slot, f"run {lease.run_id} says so: {reason}{also}")
    return lease.run_id


def _busy(db: sa.Connection, slot_id: int, slot: str) -> ConflictError:
    live = runs.live_run(db, slot_id)
    return ConflictError(
        f"run {live} of {slot} has not ended: wait for it, or conductor-cli runs cancel {live}"
        if live
        else f"{slot} has changed in the meantime: look at it again"
    )


def cancel(db: sa.Connection, run_id: int, by: Operator) -> None:
    """Stop a run: at once when it waits, else its agent learns of it at its next heartbeat. May be repeated.

    Raises NotFoundError.
    """
    run = run_pages.by_id(db, run_id, sight=by.sight)
    subject = f"run {run_id}"
    if runs.cancel_waiting(db, run_id, reason=f"cancelled by {by.name or OPERATOR}", now=by.now):
        by.note(db, "run.cancel_requested", subject, f"run {run_id} of {run.slot} had not begun: cancelled")
    elif runs.request_cancel(db, run_id, now=by.now):
        message = f"run {run_id} of {run.slot} is to be stopped by {run.agent}"
        by.note(db, "run.cancel_requested", subject, message)


def set_active(db: sa.Connection, name: str, by: Operator, *, active: bool) -> None:
    """Pause a definition, or let it go on. Raises NotFoundError; InvalidRequestError where its declaration says no."""
    before = definition_pages.named(db, name)
    if active and not before.paused and not before.active:
        where = f" at {before.place}" if before.place else ""
        raise InvalidRequestError(
            f"{name} is declared `active: false`{where}: change it there", field="active"
        )
    if before.paused == active:
        definitions.set_paused(db, name, paused=not active)
        agenda.note_everything(db, at=by.now)
        verb = "resumed" if active else "paused"
        by.note(db, f"definition.{verb}", name, f"definition {name} {verb}")


def confirm_removal(db: sa.Connection, key: str, by: Operator, *, count: int) -> Sequence[str]:
    """Consent to a removal that was held back. Raises NotFoundError, ConflictError for another count."""
    names = confirmations.give(db, key, count=count)
    by.note(db, "removal.confirmed", key, f"{count} removals confirmed: {', '.join(names[:5])}")
    return names


def add_account(db: sa.Connection, account: Account, by: Operator) -> None:
    """Add an account by hand. Raises AlreadyExistsError."""
    try:
        known = members.account(db, account.token, sight=by.sight)
    except NotFoundError:
        begins = starts_at(account, added=by.now)
        members.add_accounts(db, [(account, begins)], source_token=members.MANUAL, now=by.now)
        agenda.note_everything(db, at=by.now)
        by.note(db, "account.added", account.token, f"account {account.token} added by hand")
        return
    raise AlreadyExistsError(f"there is an account {account.token} already, from {known.source_token}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedAccount:
    """What went with an account."""

    slots: int
    running_runs: int


def remove_account(db: sa.Connection, token: str, by: Operator) -> RemovedAccount:
    """Remove an account that was added by hand. Raises NotFoundError; InvalidRequestError for a source's."""
    account = members.account(db, token, sight=by.sight)
    if account.source_token != members.MANUAL:
        raise InvalidRequestError(
            f"account {token} is listed by {account.source_token}: remove it there, else it would come back",
            field="token",
        )
    gone = RemovedAccount(
        slots=slots.number_of_account(db, account.id),
        running_runs=runs.number_of_account(db, account.id, status=RunStatus.RUNNING),
    )
    members.remove(db, [account.id])
    agenda.note_everything(db, at=by.now)
    message = (
        f"account {token} removed by hand, with {gone.slots} slots; {gone.running_runs} runs are stopped"
    )
    by.note(db, "account.removed", token, message)
    return gone


def set_maintenance(db: sa.Connection, token: str, until: dt.datetime | None, by: Operator) -> None:
    """Begin, prolong or end an account's maintenance. Raises NotFoundError; InvalidRequestError for the past."""
    members.account(db, token, sight=by.sight)
    if until is not None and until <= by.now:
        raise InvalidRequestError(
            f"{until:%F %T}Z has passed: give a later instant, or none to end the maintenance", field="until"
        )
    members.set_maintenance(db, token, until)
    agenda.note_everything(db, at=until or by.now)
    what = f"in maintenance until {until:%F %T}Z" if until else "out of maintenance"
    by.note(db, "account.maintenance", token, f"account {token} is {what}")
