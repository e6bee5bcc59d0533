"""Slots, and why they do not run, as messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1 import run_pb2
from conductor_server.model.errors import InvalidRequestError
from conductor_server.model.states import Condition, SlotState
from conductor_server.policy.explain import Explanation
from conductor_server.rpc import convert
from conductor_server.store.slot_pages import ShownSlot, SlotKey, SlotQuery
from conductor_server.store.slot_summary import Summary

_HOLDS = frozenset(
    {
        Condition.NOT_DUE,
        Condition.PAUSED,
        Condition.MAINTENANCE,
        Condition.WAITING_FOR_CAPACITY,
        Condition.NO_AGENT,
        Condition.RETRYING,
        Condition.FAILED,
        Condition.SKIPPED,
        Condition.CANCELLED,
        Condition.QUARANTINED,
    }
)
"""Conditions that are themselves the reason; the others are explained by other slots, or hold nothing back."""


def query(request: pb.ListSlotsRequest) -> SlotQuery:
    return SlotQuery(
        definition=request.definition,
        account=request.account,
        window_label=request.window_label,
        conditions=frozenset(convert.condition(number) for number in request.conditions),
        include_not_due=request.include_not_due,
    )


def key(token: str) -> SlotKey | None:
    parts = convert.page_key(token, str, int)
    if parts is None:
        return None
    try:
        return SlotKey(ends_at=dt.datetime.fromisoformat(parts[0]).astimezone(dt.UTC), id=parts[1])
    except (ValueError, OverflowError):
        raise InvalidRequestError(
            "the page token is not from the answer before", field="page_token"
        ) from None


def token(following: SlotKey | None) -> str:
    return convert.page_token(None if following is None else [following.ends_at.isoformat(), following.id])


def slot(shown: ShownSlot) -> pb.Slot:
    return pb.Slot(
        name=shown.name,
        definition=shown.definition,
        member=run_pb2.Member(
            matrix=shown.matrix, token=shown.member, account=shown.account, timezone=shown.timezone
        ),
        window=run_pb2.Window(
            start=convert.timestamp(shown.window.start),
            end=convert.timestamp(shown.window.end),
            label=shown.window.label,
        ),
        condition=convert.CONDITIONS[shown.condition],
        reason=shown.reason,
        attempts=shown.attempts,
        run_id=shown.run_id,
        id=shown.id,
    )


def summary(counted: Summary) -> pb.SummarizeSlotsResponse:
    return pb.SummarizeSlotsResponse(
        states=[
            pb.SlotStateCount(state=number, count=counted.states[state])
            for state, number in _STATES.items()
            if counted.states[state]
        ],
        reasons=[
            pb.SlotReasonCount(
                state=_STATES[each.state], reason=each.reason, count=each.count, slot=each.slot
            )
            for each in counted.reasons
        ],
        reasons_omitted=counted.omitted,
    )


_STATES: Mapping[SlotState, pb.SlotState.ValueType] = {
    state: pb.SlotState.Value(f"SLOT_STATE_{state.name}") for state in SlotState
}


def reasons(shown: ShownSlot, explanation: Explanation, on_their_way: Sequence[ShownSlot]) -> list[pb.Reason]:
    """Every reason why a slot does not run, root causes first. ``on_their_way``: those causes that are not final."""
    return list(_reasons(shown, explanation, {each.id: each for each in on_their_way}))


def _reasons(
    shown: ShownSlot, explanation: Explanation, on_their_way: dict[int, ShownSlot]
) -> Iterator[pb.Reason]:
    for cause in explanation.causes:
        code, message = cause.code, cause.message
        if cause.need.id is not None and not cause.final and (other := on_their_way.get(cause.need.id)):
            code = f"parent_{other.condition}"
            words = other.condition.replace("_", " ")
            message = f"{other.name}: {words}" + (f": {other.reason}" if other.reason else "")
        yield pb.Reason(code=code, message=message, slot=cause.need.name, chain=cause.chain)
    if explanation.omitted:
        yield pb.Reason(code="more", message=explanation.omitted)
    if shown.condition in _HOLDS:
        yield pb.Reason(code=str(shown.condition), message=shown.reason)
