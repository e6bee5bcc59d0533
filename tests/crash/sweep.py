"""Every point of the night, one after the other, in as many processes as there are processors.

The undisturbed night is told once, act by act; what stands after each act is kept. A point begins with what stood
before its act. The server is struck; those outside repeat what was not answered; and then everything must stand as it
stood in the undisturbed night. From there both would go on alike, so a point may end there: ``to_the_end`` makes sure.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import pickle
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from tests.crash.night import ACTS, SETTINGS, Night
from tests.crash.picture import Picture, differences, picture
from tests.crash.points import Clashes, Kind, Point, Trap
from tests.crash.server import InProcess, Server, ServerProcess, StruckDatabase
from tests.crash.stores import EMPTY, FileStore, PostgresStore, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the databases are: a migrated file; or a PostgreSQL server, and a migrated database of it."""

    sqlite: Path | None = None
    server: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A part of a sweep. ``every``: of all points, in their order, each so-manieth, from ``first``."""

    place: Place
    kinds: tuple[Kind, ...]
    first: int
    every: int
    to_the_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What came of it: points by kind, how many there are at all, and what did not hold."""

    struck: Counter[Kind]
    possible: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    """After so many acts: those outside, and what the store said."""

    night: bytes
    outside: object
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """The undisturbed night: how it stood before each act and at the end, and what each act took."""

    stands: list[_Stand]
    statements: list[int]
    commits: list[int]

    def points(self, kinds: Iterable[Kind]) -> Iterator[tuple[int, Point]]:
        """With the number of the act."""
        for kind in kinds:
            for act, number in enumerate(self.commits if kind.counts_commits else self.statements):
                for each in range(1, number + 1):
                    yield act, Point(kind=kind, number=each)


def sweep(place: Place, kinds: Iterable[Kind], *, every: int = 1, to_the_end: bool = False) -> Swept:
    """Strike at every point of these kinds, or at every so-manieth."""
    workers = os.cpu_count() or 1
    tasks = [
        Task(
            place=place,
            kinds=tuple(kinds),
            first=number * every,
            every=every * workers,
            to_the_end=to_the_end,
        )
        for number in range(workers)
    ]
    struck: Counter[Kind] = Counter()
    wrong: list[str] = []
    # spawned: the test process may have threads, and those that are forked from here must not
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_silence) as pool:
        for done in pool.map(_sweep_part, tasks):
            struck += done.struck
            wrong += done.wrong
    return Swept(struck=struck, possible=done.possible, wrong=tuple(wrong))


def clash(place: Place, seeds: Iterable[int], *, chance: float) -> list[tuple[int, str]]:
    """A whole night for each seed, with clashes. Answers how many there were, and what did not hold."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_silence) as pool:
        return pool.submit(_clash, place, list(seeds), chance).result()


def _sweep_part(task: Task) -> Swept:
    with _laboratory(task.place) as laboratory:
        told = laboratory.tell()
        possible = list(told.points(task.kinds))
        struck: Counter[Kind] = Counter()
        wrong: list[str] = []
        for act, point in possible[task.first :: task.every]:
            struck[point.kind] += 1
            try:
                with suppress(_SeenBefore):
                    laboratory.strike(told, act, point, to_the_end=task.to_the_end)
            except Exception as error:
                where = f"{point.kind.value}: {point.number} of {ACTS[act]}"
                wrong.append(f"{where}: {type(error).__name__}: {error}")
        return Swept(struck=struck, possible=len(possible), wrong=tuple(wrong))


def _clash(place: Place, seeds: list[int], chance: float) -> list[tuple[int, str]]:
    with _laboratory(place) as laboratory:
        told = laboratory.tell()
        found = []
        for seed in seeds:
            trap = Clashes(seed, chance=chance)
            try:
                found.append((laboratory.clash(told, trap), ""))
            except Exception as error:
                found.append((0, f"seed {seed}: {type(error).__name__}: {error}"))
        return found


class _SeenBefore(Exception):
    """The crash left exactly what another has left in the same act, from which the night has recovered."""


class Laboratory:
    """One database, one server at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = StruckDatabase(store.url)
        self._recovered_from: set[tuple[int, bytes]] = set()
        self._unharmed = InProcess(self._database, SETTINGS)

    def tell(self) -> _Told:
        """The undisturbed night, twice: the second time every statement is built, as it will be at every point."""
        self._tell_in_process()
        gc.collect()
        gc.freeze()  # else every server would look through all this, and copy it
        stands, statements, commits = [], [], []
        self._restore(EMPTY)
        night = Night(self._store)
        for number, act in enumerate(ACTS):
            stands.append(self._stand(night, number))
            night.attach(self._store, lambda: self._life(Trap(None)))
            act(night)
            statements.append(night.counted.statements)
            commits.append(night.counted.commits)
            night.detach()
        stands.append(self._stand(night, len(ACTS)))
        self._finish(night)
        return _Told(stands=stands, statements=statements, commits=commits)

    def strike(self, told: _Told, act: int, point: Point, *, to_the_end: bool) -> None:
        """Raises AssertionError, or whatever else went wrong; ``_SeenBefore`` where the recovery is known."""
        recovered = self._recovered_from if not to_the_end else set()
        self._restore(str(act))
        night: Night = pickle.loads(told.stands[act].night)  # noqa: S301  # our own
        lives = [self._life(Trap(point))]

        def next_life() -> Server:
            if lives:
                return lives.pop()
            left = (act, self._store.content())
            if left in recovered:
                raise _SeenBefore
            recovered.add(left)
            return self._unharmed

        night.attach(self._store, next_life)
        for number in range(act, len(ACTS)):
            ACTS[number](night)
            assert night.disturbed == 1, "it was to be struck once"
            if not to_the_end and self._stands_as(night, told.stands[number + 1]):
                night.detach()
                return
        self._compare(night, told)

    def clash(self, told: _Told, trap: Clashes) -> int:
        """A night in one life. Answers how often it was hit."""
        self._restore(EMPTY)
        night = Night(self._store)
        night.attach(self._store, lambda: self._life(trap))
        for act in ACTS:
            act(night)
        assert night.disturbed == 0, "somebody outside has noticed"
        self._compare(night, told)
        return night.counted.clashes

    def close(self) -> None:
        self._database.close()

    def _compare(self, night: Night, told: _Told) -> None:
        wrong = differences(told.stands[-1].picture, self._picture())
        assert not wrong, "\n  ".join(["it did not come to the same:", *wrong[:8]])
        assert night.outside() == told.stands[-1].outside
        night.check()
        night.detach()

    def _finish(self, night: Night) -> None:
        night.attach(self._store, lambda: self._unharmed)
        night.check()
        night.detach()

    def _tell_in_process(self) -> None:
        """Once without a fork: what SQLAlchemy builds here is inherited by every server."""
        self._restore(EMPTY)
        night = Night(self._store)
        night.attach(self._store, lambda: self._unharmed)
        for act in ACTS:
            act(night)
        night.detach()

    def _life(self, trap: Trap) -> ServerProcess:
        return ServerProcess(self._database, SETTINGS, trap)

    def _restore(self, name: str) -> None:
        self._database.engine.dispose()
        self._store.restore(name)

    def _stand(self, night: Night, number: int) -> _Stand:
        self._database.engine.dispose()
        self._store.keep(str(number))
        return _Stand(
            night=pickle.dumps(night),
            outside=night.outside(),
            picture=self._picture(),
        )

    def _stands_as(self, night: Night, stand: _Stand) -> bool:
        return night.outside() == stand.outside and self._picture() == stand.picture

    def _picture(self) -> Picture:
        found = self._database.read(picture)
        self._database.engine.dispose()
        return found


@contextmanager
def _laboratory(place: Place) -> Iterator[Laboratory]:
    with ExitStack() as stack:
        store: FileStore | PostgresStore
        if place.sqlite is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            store = FileStore(folder, place.sqlite)
        else:
            store = PostgresStore(place.server, place.template, name=f"crash_{os.getpid()}")
            stack.callback(store.drop)
        laboratory = Laboratory(store)
        stack.callback(laboratory.close)
        yield laboratory


def _silence() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
