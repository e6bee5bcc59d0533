"""What all sources of a server say, read again when it may have changed.

A source that cannot be read, or whose declarations do not hold together, is a fault that is reported until it
is mended; what it declared before stays in force. So does what one declared that does not answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from conductor_server.definitions.loading import check
from conductor_server.definitions.patience import Patient
from conductor_server.definitions.source import DefinitionSource
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import ConductorError, DefinitionErrors

log = structlog.get_logger("sources")

LIVE_EVERY_S = 60.0
"""How often a source is read again that reaches into what its fingerprint cannot see, such as a database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a source says. ``None``: what could not be had, and ``fault`` says why."""

    fingerprint: str | None
    at_s: float
    declarations: Declarations | None
    fault: str = ""


@dataclass(slots=True, kw_only=True)
class _Watched:
    source: DefinitionSource
    patient: Patient[_Answer | None]
    seen: str | None = None
    read_at_s: float = 0.0
    latest: Declarations | None = None
    is_applied: bool = True
    fault: str = ""
    silent_since_s: float | None = None


class WatchedSources:
    """The sources of one server. Used by the engine's loop alone.

    One that has not answered after ``patience_s`` is asked no further, and the pass goes on without it.
    """

    def __init__(
        self,
        sources: Sequence[DefinitionSource],
        *,
        monotonic: Callable[[], float],
        patience_s: float,
    ) -> None:
        self._watched = [
            _Watched(source=source, patient=Patient(patience_s=patience_s)) for source in sources
        ]
        self._monotonic = monotonic
        self._lock = threading.Lock()

    def read_changed(self) -> tuple[tuple[Declarations, ...], tuple[str, ...]]:
        """What sources say that is not applied yet, and what is wrong with the others, a message each."""
        with self._lock:
            for watched in self._watched:
                self._refresh(watched)
            readings = [each.latest for each in self._watched if each.latest and not each.is_applied]
            faults = [fault for each in self._watched for fault in self._faults(each)]
            everything = [each.latest for each in self._watched if each.latest]
            if readings and len(everything) > 1:
                try:
                    check(*everything)
                except DefinitionErrors as error:
                    return (), (*faults, str(error))
                except Exception as error:  # a plugin's declarations may be anything
                    log.exception("declarations could not be checked")
                    return (), (
                        *faults,
                        f"declarations could not be checked: {type(error).__name__}: {error}",
                    )
            return tuple(readings), tuple(faults)

    def applied(self, readings: Sequence[Declarations]) -> None:
        """These are in the store now, and are not offered again until they change."""
        with self._lock:
            for watched in self._watched:
                if any(watched.latest is reading for reading in readings):
                    watched.is_applied = True

    def offer_again(self) -> None:
        """Offer everything once more: the store may not be what was declared, or others have changed it since."""
        with self._lock:
            for watched in self._watched:
                watched.is_applied = False

    def _refresh(self, watched: _Watched) -> None:
        asked_at_s = self._monotonic()
        try:
            answer = watched.patient.ask(lambda: self._look(watched))
        except TimeoutError:
            if watched.silent_since_s is None:
                log.warning("a definition source does not answer", source=_name(watched.source))
                watched.silent_since_s = asked_at_s
            return
        watched.silent_since_s = None
        if answer is None:
            return
        watched.seen, watched.read_at_s, watched.fault = answer.fingerprint, answer.at_s, answer.fault
        if answer.declarations is None:
            watched.latest = None
        # A database is asked every minute, and mostly says the same: then a million members need not be looked up.
        elif answer.declarations != watched.latest:
            watched.latest, watched.is_applied = answer.declarations, False

    def _faults(self, watched: _Watched) -> Iterator[str]:
        if watched.fault:
            yield watched.fault
        if watched.silent_since_s is not None:
            silent_s = self._monotonic() - watched.silent_since_s
            yield (
                f"{_name(watched.source)} has not answered for {silent_s:.0f} s: what it declared before stays in force"
            )

    def _look(self, watched: _Watched) -> _Answer | None:
        """What the source says now; ``None`` where that has not changed. Not in the engine's thread: it may hang."""
        source, now_s, fingerprint = watched.source, self._monotonic(), None
        try:
            fingerprint = source.fingerprint()
            stale = source.live and now_s - watched.read_at_s >= LIVE_EVERY_S
            if fingerprint == watched.seen and not stale:
                return None
            return _Answer(fingerprint=fingerprint, at_s=now_s, declarations=source.read())
        except ConductorError as error:
            fault = str(error)
        # The boundary of a plugin, which may raise anything: the others go on.
        except (Exception, SystemExit) as error:
            log.exception("a definition source failed", source=_name(source))
            fault = f"{_name(source)} failed: {type(error).__name__}: {error}"
        return _Answer(fingerprint=fingerprint, at_s=now_s, declarations=None, fault=fault)


def _name(source: DefinitionSource) -> str:
    return type(source).__qualname__
