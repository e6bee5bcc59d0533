"""A run that failed is followed by another, or its slot has failed for good."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from conductor_server.engine.step import StepResult, Tick
from conductor_server.policy import retry
from conductor_server.policy.retry import Exhausted, Retrying
from conductor_server.store import definitions, retries
from conductor_server.store.retries import Unsettled


def ensure_retries_exist(db: sa.Connection, tick: Tick) -> StepResult:
    """Decide about all slots that have failed, or those of the news: these are looked at again when it is time."""
    done = _settle(db, tick, retries.unsettled(db, None)) if tick.full else StepResult()
    if tick.news.slots:
        of_news = _settle(db, tick, retries.unsettled(db, tick.news.slots))
        done = StepResult(changed=done.changed + of_news.changed, more=done.more or of_news.more)
    return done


def _settle(db: sa.Connection, tick: Tick, groups: Sequence[Unsettled]) -> StepResult:
    """Decide once for all slots of a definition and window that have failed equally often."""
    if not groups:
        return StepResult()
    policies = definitions.retries(db, {group.definition_id for group in groups})
    retried = exhausted = 0
    for group in groups:
        if group.released:
            # Given back without blame: at once, and no attempt is charged.
            retried += retries.retry(db, group, failed_until=None, now=tick.now)
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
            case Retrying() if group.failed_at is not None and decision.due(group.failed_at) > tick.now:
                retries.remind(db, group, at=decision.due(group.failed_at))
            case Retrying(delay=delay):
                retried += retries.retry(db, group, failed_until=tick.now - delay, now=tick.now)
            case Exhausted(reason=reason):
                exhausted += retries.exhaust(db, group, reason=reason, now=tick.now)
    # A slot that has failed for good may be what others were waiting for.
    return StepResult(changed=retried + exhausted, more=exhausted > 0)
