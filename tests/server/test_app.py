"""The composed server: metrics, health, definitions that change while it runs, and an engine that does not die."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server.definitions.watching import WatchedSources
from conductor_server.engine.clock import SystemClock
from conductor_server.engine.loop import EngineLoop
from conductor_server.engine.status import EngineStatus
from conductor_server.engine.status import problems as problems_of
from conductor_server.model.definition import Declarations
from conductor_server.store.database import Database
from tests.support.build import definition
from tests.support.server import PATIENCE_S, Served, seen, serving
from tests.support.world import SETTINGS, World


@pytest.fixture
def start(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts a server on an empty SQLite file."""
    home = tmp_path / "home"
    home.mkdir()
    copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))

    def start(*definitions: Any, **settings: Any) -> AbstractAsyncContextManager[Served]:
        return serving(home, *definitions, **settings)

    return start


async def get(served: Served, path: str) -> tuple[int, str]:
    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://{served.metrics_address}{path}", timeout=PATIENCE_S
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


async def test_metrics_count_what_is_there(start: Any) -> None:
    async with start({"name": "load"}, {"name": "train", "source": "manual"}) as served:
        await seen(served.runs, lambda runs: len(runs) == 2)
        await seen(served.status, lambda status: status.HasField("engine_loop_duration"))
        status, text = await get(served, "/metrics")
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert status == 200
        assert samples["conductor_live_runs", "shell", "waiting"] == 1
        assert samples["conductor_live_runs", "manual", "waiting"] == 1
        assert samples["conductor_agents",] == 0
        assert samples["conductor_engine_problems",] == 0
        assert (samples["conductor_is_leader",], samples["conductor_leader_epoch",]) == (1, 1)
        assert samples["conductor_engine_loop_seconds",] > 0
        assert (await get(served, "/nothing"))[0] == 404


async def test_health_tells_problems(start: Any) -> None:
    async with start({"name": "load"}) as served:

        async def health() -> tuple[int, str]:
            return await get(served, "/health")

        await seen(
            health, lambda answer: '"status":"ok"' in answer[1] and '"engine_looped_at":"' in answer[1]
        )
        served.definitions.write_text("version: 1\ndefinitions: [{}]\n")
        await seen(health, lambda answer: '"status":"degraded"' in answer[1])


async def test_definitions_are_read_again_when_they_change(start: Any) -> None:
    async with start({"name": "load"}) as served:
        await seen(served.runs, lambda runs: [run.slot for run in runs] == ["load/once"])
        served.declare({"name": "load"}, {"name": "more"})
        await seen(served.runs, lambda runs: {run.slot for run in runs} == {"load/once", "more/once"})


async def test_a_broken_file_is_reported_and_the_old_stays_in_force(start: Any) -> None:
    async with start({"name": "load"}) as served:
        await seen(served.status, lambda status: status.definitions == 1)
        served.declare({"name": "load"}, {"name": "more", "sauce": "shell"})

        status = await seen(served.status, lambda status: bool(status.problems))
        [problem] = status.problems
        assert problem.startswith(f"{served.definitions}:")
        assert "there is no key `sauce` here" in problem
        assert status.definitions == 1
        definitions = (await served.ask("ListDefinitions", pb.ListDefinitionsRequest())).definitions
        assert [each.name for each in definitions] == ["load"]

        served.declare({"name": "load"}, {"name": "more"})
        status = await seen(served.status, lambda status: status.definitions == 2)
        await seen(served.status, lambda status: not status.problems)


async def test_a_file_that_is_gone_deletes_nothing(start: Any) -> None:
    async with start({"name": "load"}) as served:
        await seen(served.status, lambda status: status.definitions == 1)
        served.definitions.unlink()
        status = await seen(served.status, lambda status: bool(status.problems))
        assert status.definitions == 1


async def test_a_server_may_start_without_its_definitions(start: Any, tmp_path: Path) -> None:
    missing = tmp_path / "later.yaml"
    async with start({"name": "load"}, CONDUCTOR_DEFINITIONS=[str(missing)]) as served:
        await seen(served.status, lambda status: bool(status.problems))
        copyfile(served.definitions, missing)
        await seen(served.status, lambda status: status.definitions == 1 and not status.problems)


# ------------------------------------------------------------------------------------------------ the engine's loop


class Plugin:
    """A definition source that fails in a way that nobody has thought of, until it is mended."""

    live = True

    def __init__(self) -> None:
        self.mended = False
        self.asked = 0

    def fingerprint(self) -> str:
        self.asked += 1
        if not self.mended:
            raise ZeroDivisionError("a plugin divides by zero")
        return "mended"

    def read(self) -> Declarations:
        return Declarations(source_token="plugin", definitions=(definition("load", matrix="default"),))


@pytest.fixture
async def loop(database: Database) -> AsyncIterator[tuple[EngineLoop, Plugin]]:
    World(database)
    plugin, clock = Plugin(), SystemClock()

    async def after_pass() -> None:
        return None

    sources = WatchedSources([plugin], monotonic=clock.monotonic, patience_s=PATIENCE_S)
    engine = EngineLoop(lambda: database, clock, SETTINGS, sources, after_pass=after_pass)
    task = asyncio.create_task(engine.run())
    yield engine, plugin
    assert not task.done(), "it works until it is cancelled"
    task.cancel()
    await asyncio.wait({task})


async def test_a_plugin_that_breaks_a_pass_is_reported_and_the_loop_goes_on(
    loop: tuple[EngineLoop, Plugin], database: Database
) -> None:
    engine, plugin = loop

    async def problems() -> tuple[str, ...]:
        return engine.status.problems

    async def told_by_another_server() -> tuple[str, ...]:
        return await asyncio.to_thread(database.read, lambda db: problems_of(db, EngineStatus()))

    expected = ("Plugin failed: ZeroDivisionError: a plugin divides by zero",)
    assert await seen(problems) == expected
    await seen(told_by_another_server, lambda found: found == expected)
    plugin.mended = True
    await seen(problems, lambda found: not found)
    await seen(told_by_another_server, lambda found: not found)
    assert engine.status.looped_at is not None


async def test_a_pass_that_is_under_way_is_waited_for(database: Database) -> None:
    """Its thread goes on whatever happens to the loop, and must not lose the store in the middle."""
    World(database)
    entered, release = asyncio.Event(), asyncio.Event()
    here = asyncio.get_running_loop()

    class Slow(Plugin):
        def fingerprint(self) -> str:
            here.call_soon_threadsafe(entered.set)
            asyncio.run_coroutine_threadsafe(release.wait(), here).result()
            self.asked += 1
            return "slow"

    plugin, clock = Slow(), SystemClock()

    async def after_pass() -> None:
        return None

    engine = EngineLoop(
        lambda: database,
        clock,
        SETTINGS,
        WatchedSources([plugin], monotonic=clock.monotonic, patience_s=PATIENCE_S),
        after_pass=after_pass,
    )
    task = asyncio.create_task(engine.run())
    async with asyncio.timeout(PATIENCE_S):
        await entered.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        release.set()
        await asyncio.wait({task})
    assert plugin.asked == 1
    assert engine.status.looped_at is not None, "the pass was made to its end"
