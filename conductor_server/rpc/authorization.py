"""Who may call what: every method of the wire by its full name. What is not here cannot be served."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias

from conductor_server.model.credentials import Credential, Role
from conductor_server.model.errors import ConductorError, PermissionDeniedError

OPEN: Final = "open"
"""For everybody who can connect, with or without a credential."""

Access: TypeAlias = Role | Literal["open"]

_AGENT, _CONTROL = "/conductor_proto.v1.AgentService", "/conductor_proto.v1.ControlService"

ACCESS: Mapping[str, Access] = {
    # Says that a server is there, and nothing else: load balancers and probes have no token.
    "/grpc.health.v1.Health/Check": OPEN,
    "/grpc.health.v1.Health/List": OPEN,
    "/grpc.health.v1.Health/Watch": OPEN,
    # Tells the proto files, which everybody can read in the sources.
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": OPEN,
    f"{_AGENT}/Register": Role.AGENT,
    f"{_AGENT}/ClaimRun": Role.AGENT,
    f"{_AGENT}/Heartbeat": Role.AGENT,
    f"{_AGENT}/Complete": Role.AGENT,
    f"{_AGENT}/PushLogs": Role.AGENT,
    f"{_CONTROL}/GetStatus": Role.VIEWER,
    f"{_CONTROL}/Diagnose": Role.VIEWER,
    f"{_CONTROL}/GetGraph": Role.VIEWER,
    f"{_CONTROL}/ListDefinitions": Role.VIEWER,
    f"{_CONTROL}/GetDefinition": Role.VIEWER,
    f"{_CONTROL}/ListAccounts": Role.VIEWER,
    f"{_CONTROL}/ListSlots": Role.VIEWER,
    f"{_CONTROL}/SummarizeSlots": Role.VIEWER,
    f"{_CONTROL}/GetSlot": Role.VIEWER,
    f"{_CONTROL}/ListRuns": Role.VIEWER,
    f"{_CONTROL}/GetRun": Role.VIEWER,
    f"{_CONTROL}/ListAgents": Role.VIEWER,
    f"{_CONTROL}/WatchEvents": Role.VIEWER,
    # Commands print what they like, also what a viewer should not see.
    f"{_CONTROL}/ReadRunLogs": Role.OPERATOR,
    f"{_CONTROL}/SetDefinitionActive": Role.OPERATOR,
    f"{_CONTROL}/SetMaintenance": Role.OPERATOR,
    f"{_CONTROL}/RerunSlot": Role.OPERATOR,
    f"{_CONTROL}/ReleaseSlot": Role.OPERATOR,
    f"{_CONTROL}/DiscardSlot": Role.OPERATOR,
    f"{_CONTROL}/SucceedSlot": Role.OPERATOR,
    f"{_CONTROL}/FailSlot": Role.OPERATOR,
    f"{_CONTROL}/CancelRun": Role.OPERATOR,
    # What is declared, and what goes with it when it is removed.
    f"{_CONTROL}/ConfirmRemoval": Role.AUTHOR,
    f"{_CONTROL}/AddAccount": Role.AUTHOR,
    f"{_CONTROL}/RemoveAccount": Role.AUTHOR,
    f"{_CONTROL}/ListEvents": Role.ADMIN,
    f"{_CONTROL}/CreateToken": Role.ADMIN,
    f"{_CONTROL}/ListTokens": Role.ADMIN,
    f"{_CONTROL}/RevokeToken": Role.ADMIN,
}


WITHIN_ACCOUNTS = frozenset(
    f"{_CONTROL}/{name}"
    for name in (
        "GetStatus",
        "GetGraph",
        "ListDefinitions",
        "GetDefinition",
        "ListAccounts",
        "ListSlots",
        "SummarizeSlots",
        "GetSlot",
        "ListRuns",
        "GetRun",
        "ReadRunLogs",
        "SetMaintenance",
        "RerunSlot",
        "ReleaseSlot",
        "DiscardSlot",
        "SucceedSlot",
        "FailSlot",
        "CancelRun",
    )
)
"""Methods that cut their answers to the accounts that the caller sees. Who is bounded by accounts gets no others."""


def access_to(method: str) -> Access:
    """Raises ConductorError for a method that nobody has thought about: a server must not start with it."""
    try:
        return ACCESS[method]
    except KeyError:
        raise ConductorError(
            f"nothing says who may call {method}: add it to ACCESS in rpc/authorization.py"
        ) from None


def check_all_served(served: Collection[str]) -> None:
    """Raises ConductorError for a line of the registry that no method answers to: it was renamed, or misspelt."""
    if idle := sorted(ACCESS.keys() - set(served)):
        raise ConductorError(f"rpc/authorization.py has methods that are not served: {', '.join(idle)}")


def require(credential: Credential, needed: Role, method: str) -> None:
    """Raises PermissionDeniedError."""
    if not credential.may(needed):
        has = " and ".join(role.article for role in sorted(credential.roles)) or "nobody"
        raise PermissionDeniedError(
            f"{method.rpartition('/')[2]} is for {needed.article}: {credential.name} is {has}"
        )
    if needed is not Role.AGENT and credential.sees is not None and method not in WITHIN_ACCOUNTS:
        raise PermissionDeniedError(
            f"{method.rpartition('/')[2]} is about what all accounts share: {credential.name} is for "
            f"{', '.join(sorted(credential.sees))} only"
        )
