"""What a plugin of declarations must be able to do; the built-in ones come through the same ``registry``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias

from conductor_server.definitions.values import Shape
from conductor_server.model.definition import Account, Declarations, Place


class DefinitionSource(Protocol):
    """Where definitions come from. Used from one thread at a time."""

    @property
    def token(self) -> str:
        """Marks what this source owns; the same from start to start, or its definitions are taken for new."""

    @property
    def live(self) -> bool:
        """Whether the last reading reached into what the fingerprint cannot see, such as a database."""

    def read(self) -> Declarations:
        """Everything that is declared now.

        Raises ``DefinitionErrors`` with all that is wrong, and ``SourceUnavailableError`` when it cannot be
        read or is empty, which never means that everything was removed.
        """

    def fingerprint(self) -> str:
        """Cheap, and another one whenever a reading may say something else (but see ``live``)."""


DefinitionSourceFactory: TypeAlias = Callable[[Sequence[str], Mapping[str, str]], DefinitionSource]
"""What an entry point of ``conductor.definition_sources`` names: locations and environment in, source out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a declaration that points elsewhere is resolved against."""

    folder: Path
    environment: Mapping[str, str]
    place: Place


class AccountSource(Shape, ABC):
    """Where accounts come from: what may stand under NAME in ``accounts: {NAME: …}``.

    NAME is that of an entry point of ``conductor.account_sources``, which names a subclass.
    """

    live: ClassVar[bool] = False
    """Whether it reaches outside the file system, and so is left alone by offline checks."""

    @abstractmethod
    def accounts(self, around: Surroundings) -> Iterator[Account]:
        """Every account. Raises as ``DefinitionSource.read`` does."""

    def files(self, around: Surroundings) -> Sequence[Path]:
        """The files that this reads, for the fingerprint."""
        return ()
