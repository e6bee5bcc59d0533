"""What all sources of a server say, read again when it may have changed.

A source that cannot be read, or whose declarations do not hold together, is a fault that is reported until it
is mended; what it declared before stays in force.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from conductor_server.definitions.loading import check
from conductor_server.definitions.source import DefinitionSource
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import ConductorError, DefinitionErrors

log = structlog.get_logger("sources")

LIVE_EVERY_S = 60.0
"""How often a source is read again that reaches into what its fingerprint cannot see, such as a database."""


@dataclass(slots=True)
class _Watched:
    source: DefinitionSource
    seen: str | None = None
    read_at_s: float = 0.0
    latest: Declarations | None = None
    is_applied: bool = True
    fault: str = ""


class WatchedSources:
    """The sources of one server. Used by the engine's loop alone."""

    def __init__(self, sources: Sequence[DefinitionSource], *, monotonic: Callable[[], float]) -> None:
        self._watched = [_Watched(source) for source in sources]
        self._monotonic = monotonic
        self._lock = threading.Lock()

    def read_changed(self) -> tuple[tuple[Declarations, ...], tuple[str, ...]]:
        """What sources say that is not applied yet, and what is wrong with the others, a message each."""
        with self._lock:
            for watched in self._watched:
                self._refresh(watched)
            readings = [each.latest for each in self._watched if each.latest and not each.is_applied]
            faults = [each.fault for each in self._watched if each.fault]
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
        now_s = self._monotonic()
        try:
            fingerprint = watched.source.fingerprint()
            stale = watched.source.live and now_s - watched.read_at_s >= LIVE_EVERY_S
            if fingerprint == watched.seen and not stale:
                return
            watched.seen, watched.read_at_s = fingerprint, now_s
            declared, watched.fault = watched.source.read(), ""
            # A database is asked every minute, and mostly says the same: then a million members need not be looked up.
            if declared != watched.latest:
                watched.latest, watched.is_applied = declared, False
        except ConductorError as error:
            watched.latest, watched.fault = None, str(error)
        except (
            Exception
        ) as error:  # the boundary of a plugin, which may raise anything: the other sources go on
            log.exception("a definition source failed", source=type(watched.source).__qualname__)
            watched.latest = None
            watched.fault = f"{type(watched.source).__qualname__} failed: {type(error).__name__}: {error}"
