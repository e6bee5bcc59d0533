"""A run that failed is followed by another, or its slot has failed for good."""

from __future__ import annotations

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.policy import retry
from conductor_server.policy.retry import Exhausted, Retrying
from conductor_server.store import definitions, runs, slots


def ensure_retries_exist(db: sa.Connection, tick: Tick) -> StepResult:
    """Decide once for all slots of a definition and window that have failed equally often."""
    groups = slots.unsettled(db)
    if not groups:
        return StepResult()
    policies = {definition.id: definition.retry for definition in definitions.planned(db)}
    retried = exhausted = 0
    for group in groups:
        if group.released:
            # Given back without blame: at once, and no attempt is charged.
            retried += runs.retry(db, group, failed_until=None, now=tick.now)
            continue
        if group.definition_id not in policies:
            continue  # it is set aside
        decision = retry.decide(
            policies[group.definition_id],
            tick.settings.retries,
            failures=group.failures,
            window_end=group.window_end,
            now=tick.now,
            bucket=group.bucket,
        )
        match decision:
            case Retrying(delay=delay):
                retried += runs.retry(db, group, failed_until=tick.now - delay, now=tick.now)
            case Exhausted(reason=reason):
                exhausted += slots.exhaust(db, group, reason=reason, now=tick.now)
    # A slot that has failed for good may be what others were waiting for.
    return StepResult(changed=retried + exhausted, more=exhausted > 0)
