"""A source that does not answer is passed over: the others are read, and what it declared stays in force."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from conductor_server.definitions.watching import WatchedSources
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import SourceUnavailableError
from tests.support.build import definition

PATIENCE_S = 20.0


class Source:
    """Answers as it is told to: with the next fingerprint, and only while it is not held up."""

    live = False

    def __init__(self, token: str) -> None:
        self.token = token
        self.version = 1
        self.raises: BaseException | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.asked = 0
        self.looked = threading.Event()

    def fingerprint(self) -> str:
        self.asked += 1
        self.answers.wait()
        self.looked.set()
        if self.raises is not None:
            raise self.raises
        return str(self.version)

    def read(self) -> Declarations:
        name = f"{self.token}{self.version}"
        return Declarations(source_token=self.token, definitions=(definition(name, matrix="default"),))


@pytest.fixture
def hung() -> Iterator[Source]:
    source = Source("hung")
    source.answers.clear()
    yield source
    source.answers.set()


def watching(*sources: Source, patience_s: float = PATIENCE_S) -> WatchedSources:
    return WatchedSources(sources, monotonic=lambda: 100.0, patience_s=patience_s)


def read(sources: WatchedSources) -> tuple[list[str], tuple[str, ...]]:
    """What is new, by the names of definitions, and what is wrong; what is new is taken for applied."""
    readings, faults = sources.read_changed()
    sources.applied(readings)
    return [each.name for reading in readings for each in reading.definitions], faults


SILENT = ("Source has not answered for 0 s: what it declared before stays in force",)


def test_the_others_are_read(hung: Source) -> None:
    sources = watching(hung, Source("other"), patience_s=0.05)

    assert read(sources) == (["other1"], SILENT)
    assert read(sources) == ([], SILENT)
    assert hung.asked == 1, "it is not asked again while it owes an answer"


def test_its_answer_counts_when_it_comes(hung: Source) -> None:
    sources = watching(hung, patience_s=0.05)
    assert read(sources) == ([], SILENT)

    hung.answers.set()
    for thread in threading.enumerate():
        if thread.name == "definition source":
            thread.join(PATIENCE_S)

    assert read(sources) == (["hung1"], ())


def test_what_it_declared_before_is_offered_again_meanwhile() -> None:
    """As to a server that has just taken the lead: a source that hangs is not one that lists nothing."""
    source = Source("files")
    sources = watching(source, patience_s=0.05)
    assert read(sources) == (["files1"], ())
    source.answers.clear()
    try:
        sources.offer_again()
        assert read(sources) == (["files1"], SILENT)
    finally:
        source.answers.set()


@pytest.mark.parametrize(
    ("raised", "fault"),
    [
        pytest.param(SourceUnavailableError("away"), "away", id="away"),
        pytest.param(ValueError("x"), "Source failed: ValueError: x", id="a-mistake"),
        pytest.param(SystemExit(1), "Source failed: SystemExit: 1", id="an-exit"),
    ],
)
def test_one_that_fails_is_read_when_it_is_mended(raised: BaseException, fault: str) -> None:
    source = Source("files")
    sources = watching(source)
    assert read(sources) == (["files1"], ())
    source.raises = raised
    assert read(sources) == ([], (fault,))

    source.raises = None

    assert read(sources) == (["files1"], ())
