"""The audit is audited: each way of breaking a sound store is noticed, by its name."""

from __future__ import annotations

import pytest

from conductor_server.model.states import Outcome
from conductor_server.store import logs
from conductor_server.store.database import Database
from conductor_server.store.logs import Chunk
from tests.support.audit import audit
from tests.support.build import HOUR, account, definition
from tests.support.history import Violation
from tests.support.world import World

pytestmark = pytest.mark.breaks_history(reason="each test here breaks them")

SUCCEEDED = "(SELECT id FROM command_slot WHERE state = 2 ORDER BY id LIMIT 1)"
RUNNING = "(SELECT id FROM command_run WHERE status = 1 ORDER BY id LIMIT 1)"
ENDED = "(SELECT id FROM command_run WHERE status = 4 ORDER BY id LIMIT 1)"


@pytest.fixture
def sound(sqlite: Database) -> World:
    """Some of it succeeded, failed, and running, with output."""
    world = World(sqlite)
    world.declare(definition("job"), definition("next"), accounts=[account("acme"), account("bolt")])
    world.tick()
    world.tick(after=60 * HOUR)
    done, failed, *others = world.claim(3).values()
    world.write(
        lambda db: logs.append(db, Chunk(run_id=others[0].run_id, stream="stdout", offset=0, data=b"hi"))
    )
    world.finish(done)
    world.finish(failed, Outcome.FAILED)
    world.tick()
    world.read(audit)
    return world


@pytest.mark.parametrize(
    ("broken", "noticed"),
    [
        pytest.param(f"UPDATE command_run SET status = 1 WHERE id = {ENDED}", "S4", id="back-to-running"),
        pytest.param(f"UPDATE command_run SET epoch = epoch + 1 WHERE id = {RUNNING}", "S7", id="epoch"),
        pytest.param(
            f"UPDATE command_run SET heartbeat_at = '2030-01-01' WHERE id = {ENDED}",
            "S8",
            id="beats-afterwards",
        ),
        pytest.param(f"UPDATE command_slot SET failures = 1 WHERE id = {SUCCEEDED}", "S12", id="failures"),
        pytest.param(
            f"INSERT INTO command_run (slot_id, attempt, status, source_id, priority, created_by, waiting_at)"
            f" VALUES ({SUCCEEDED}, 2, 0, 4, 0, 0, '2026-11-22')",
            "S5",
            id="once-more",
        ),
        pytest.param(
            f"INSERT INTO command_run (slot_id, attempt, status, source_id, priority, created_by, waiting_at)"
            f" VALUES ({SUCCEEDED}, 3, 0, 4, 0, 1, '2026-11-22')",
            "S12",
            id="a-gap-in-the-attempts",
        ),
        pytest.param(
            "UPDATE command_slot SET state = 2 WHERE id ="
            " (SELECT slot_id FROM command_run WHERE status = 1 LIMIT 1)",
            "S15",
            id="succeeded-while-running",
        ),
        pytest.param(
            f"UPDATE command_run SET running_at = '2020-01-01' WHERE id = {RUNNING}", "S22", id="back-in-time"
        ),
        pytest.param(
            f"UPDATE command_run SET waiting_at = '2020-01-01' WHERE id = {RUNNING}",
            "S3",
            id="before-its-window",
        ),
        pytest.param("UPDATE command_definition SET max_running = 0", "S16", id="over-a-limit"),
        pytest.param("UPDATE command_log_stream SET size = 3", "S21", id="output-too-short"),
        pytest.param('UPDATE command_log_chunk SET "offset" = 1', "S21", id="output-with-a-gap"),
        pytest.param("DELETE FROM command_member WHERE token = 'bolt'", "S18", id="without-cascades"),
        pytest.param(
            "UPDATE command_window SET ends_at = '2030-01-01'"
            " WHERE starts_at = (SELECT min(starts_at) FROM command_window WHERE ends_at > '2026-11-24')",
            "S2",
            id="windows-overlap",
        ),
        pytest.param(
            f"DELETE FROM history_log WHERE number = {RUNNING} AND noun = 'run moved'",
            "L7",
            id="not-written-down",
        ),
    ],
)
def test_what_is_broken_is_noticed(sound: World, broken: str, noticed: str) -> None:
    with sound.database.engine.connect() as db:
        db.exec_driver_sql("PRAGMA foreign_keys=OFF")
        db.exec_driver_sql(broken)
        db.commit()
        db.exec_driver_sql("PRAGMA foreign_keys=ON")

    with pytest.raises(Violation, match=rf"\[{noticed}\]"):
        sound.read(audit)
