"""Every error that a person or a program can meet.

ConductorError                     gRPC status            retry?
├─ DefinitionError                 INVALID_ARGUMENT       no   names what is wrong, where it stands, and the remedy
│   ├─ CycleError
│   ├─ DuplicateNameError
│   ├─ UnknownNameError                                        source, matrix, pool …
│   └─ SpecError                                               what a source's schema refuses
├─ DefinitionErrors                INVALID_ARGUMENT       no   several of them, all found in one reading
├─ SourceUnavailableError          FAILED_PRECONDITION    no   a definition source could not be read: never a deletion
├─ InvalidRequestError             INVALID_ARGUMENT       no   a field of a call
├─ NotFoundError                   NOT_FOUND              no
├─ ConflictError                   ABORTED                after reading again
│   ├─ StaleSessionError                                       another process registered under the agent's name
│   ├─ InvalidTransitionError
│   └─ NotLeadingError                                         another server runs the engine since
├─ AlreadyExistsError              ALREADY_EXISTS         no
├─ UnauthenticatedError            UNAUTHENTICATED        no
├─ PermissionDeniedError           PERMISSION_DENIED      no
├─ InsecureError                   FAILED_PRECONDITION    no   a server that would be open to others does not start
├─ CapacityError                   RESOURCE_EXHAUSTED     later
└─ StoreUnavailableError           UNAVAILABLE            yes  raised only in store/database.py

A command that fails is none of these: it is an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence

from conductor_server.model.definition import NOWHERE, Place


class ConductorError(Exception):
    """Whatever we tell a person or a program about what went wrong. The message is a lower-case sentence."""


class DefinitionError(ConductorError):
    """A declaration that cannot be used, with its place and, where there is one, the remedy."""

    def __init__(self, message: str, *, place: Place = NOWHERE, remedy: str = "") -> None:
        self.message, self.place, self.remedy = message, place, remedy
        super().__init__(f"{place}: {message}" + (f"\n    remedy: {remedy}" if remedy else ""))


class CycleError(DefinitionError):
    """Definitions that wait for one another in a circle."""


class DuplicateNameError(DefinitionError):
    """Two things of one kind with one name."""


class UnknownNameError(DefinitionError):
    """A source, matrix, pool or key that does not exist."""


class SpecError(DefinitionError):
    """A value that its schema refuses."""


class DefinitionErrors(ConductorError):
    """Everything that is wrong with a set of declarations, in the order of their places."""

    def __init__(self, errors: Sequence[DefinitionError]) -> None:
        assert errors
        self.errors = tuple(sorted(errors, key=lambda error: error.place))
        super().__init__("\n".join(str(error) for error in self.errors))


class SourceUnavailableError(ConductorError):
    """A definition or account source could not be read. What it declared before stays."""


class InvalidRequestError(ConductorError):
    """A field of a call that makes no sense."""

    def __init__(self, message: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(message)


class NotFoundError(ConductorError):
    """There is no such thing."""


class ConflictError(ConductorError):
    """Something changed in between; read again, then decide."""


class StaleSessionError(ConflictError):
    """Another process registered under the agent's name since."""


class InvalidTransitionError(ConflictError):
    """The thing is not in a state from which this can be done."""


class NotLeadingError(ConflictError):
    """Another server runs the engine since: what this one has decided is void."""


class AlreadyExistsError(ConductorError):
    """There is one already."""


class UnauthenticatedError(ConductorError):
    """No credential, or one that nobody issued."""


class PermissionDeniedError(ConductorError):
    """A credential that does not reach this far."""


class InsecureError(ConductorError):
    """Something would let in whom it should not: a server that finds it does not start, and ends with exit code 78."""


class CapacityError(ConductorError):
    """A limit is used up."""


class StoreUnavailableError(ConductorError):
    """The database does not answer, or refuses for a passing reason."""
