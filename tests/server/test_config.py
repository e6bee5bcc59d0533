"""Settings: where they come from, which wins, and what is said about those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from conductor_server import config
from conductor_server.model.errors import ConductorError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``conductor.toml`` of an empty home, and an environment without our settings."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path))
    for field in config.Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    return tmp_path / "conductor.toml"


def test_flags_before_environment_before_file_before_defaults(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.load().retention_days == 0
    file.write_text(
        'COMMAND_RETENTION_DAYS = 1\nCONDUCTOR_TIMEZONE = "Europe/London"\nCONDUCTOR_LISTEN = "[::1]:1"'
    )
    monkeypatch.setenv("COMMAND_RETENTION_DAYS", "2.5")
    monkeypatch.setenv("CONDUCTOR_LISTEN", "127.0.0.1:2")
    loaded = config.load(listen="127.0.0.1:3", retention_days=None)
    assert (loaded.listen, loaded.retention_days, loaded.timezone) == ("127.0.0.1:3", 2.5, "Europe/London")


@pytest.mark.parametrize(
    "text", ['CONDUCTOR_DEFINITIONS = ["a", "b"]', 'CONDUCTOR_DEFINITIONS = "a, b"'], ids=["list", "commas"]
)
def test_definitions_in_a_file(file: Path, text: str) -> None:
    file.write_text(text)
    assert config.load().definitions == ["a", "b"]


def test_definitions_in_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCTOR_DEFINITIONS", "a,b,")
    assert config.load().definitions == ["a", "b"]
    assert config.load(definitions=["c"]).definitions == ["c"]


def test_the_database_is_in_the_home_unless_it_is_said_otherwise(file: Path) -> None:
    assert config.load().database_url == f"sqlite:///{file.parent}/conductor.db"
    assert config.load(database="postgresql://there/x").database_url == "postgresql://there/x"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        pytest.param(
            {"slots_create_extra_days": 400},
            "COMMAND_SLOTS_CREATE_EXTRA_DAYS: input should be less than or equal to 366",
            id="bound",
        ),
        pytest.param(
            {"retention_days": "many"}, "COMMAND_RETENTION_DAYS: input should be a valid", id="type"
        ),
        pytest.param({"listen": "127.0.0.1"}, "CONDUCTOR_LISTEN: 127.0.0.1 is not HOST:PORT", id="no-port"),
        pytest.param({"listen": ":7400"}, "CONDUCTOR_LISTEN: :7400 is not HOST:PORT", id="no-host"),
        pytest.param(
            {"metrics_listen": "127.0.0.1:x"},
            "CONDUCTOR_METRICS_LISTEN: 127.0.0.1:x is not HOST:PORT",
            id="port",
        ),
        pytest.param({"listen": "h:65536"}, "CONDUCTOR_LISTEN: h:65536 is not HOST:PORT", id="large-port"),
        pytest.param(
            {"timezone": "Mars/Olympus"},
            "CONDUCTOR_TIMEZONE: there is no time zone `Mars/Olympus`",
            id="zone",
        ),
        pytest.param({"tls_key": "k.pem"}, "certificate and its key belong together", id="key-alone"),
        pytest.param(
            {"tls_certificate": "c.pem"}, "certificate and its key belong together", id="certificate-alone"
        ),
        pytest.param(
            {"log_format": "xml"}, "CONDUCTOR_LOG_FORMAT: input should be 'console' or", id="choice"
        ),
    ],
)
def test_a_bad_setting_is_named(file: Path, flags: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConductorError) as refused:
        config.load(**flags)
    assert sentence in str(refused.value)


def test_all_bad_settings_are_named_at_once(file: Path) -> None:
    with pytest.raises(ConductorError) as refused:
        config.load(retention_days=-1, loop_interval_seconds=0)
    assert "COMMAND_RETENTION_DAYS" in str(refused.value)
    assert "COMMAND_LOOP_INTERVAL_SECONDS" in str(refused.value)


def test_settings_that_contradict_each_other(file: Path) -> None:
    loaded = config.load(timeout_duration_minutes=0.4)
    with pytest.raises(ConductorError, match="must hold at least three heartbeats of 10"):
        loaded.engine()


def test_passes_too_rare_to_notice_an_outage(file: Path) -> None:
    loaded = config.load(loop_interval_seconds=101)
    with pytest.raises(ConductorError, match="must hold at least six passes"):
        loaded.engine()


@pytest.mark.parametrize(
    ("minutes", "loop_s", "gap_s"),
    [
        pytest.param(10, 5, 60, id="default"),
        pytest.param(0.5, 2, 10, id="a-third-of-the-time-out"),
        pytest.param(10, 90, 270, id="three-passes"),
    ],
)
def test_what_counts_as_an_outage(file: Path, minutes: float, loop_s: float, gap_s: float) -> None:
    loaded = config.load(
        timeout_duration_minutes=minutes, loop_interval_seconds=loop_s, heartbeat_interval_seconds=1
    )
    assert loaded.engine().outage_gap.total_seconds() == gap_s


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("COMMAND_RETENTION = 1", "there is no setting COMMAND_RETENTION;", id="stranger"),
        pytest.param("x = [", "conductor.toml cannot be read: Invalid value", id="no-toml"),
        pytest.param("COMMAND_RETENTION_DAYS = 'x'", "COMMAND_RETENTION_DAYS: input should be", id="value"),
    ],
)
def test_a_file_with_mistakes(file: Path, text: str, sentence: str) -> None:
    file.write_text(text)
    with pytest.raises(ConductorError) as refused:
        config.load()
    assert sentence in str(refused.value)


def test_the_settings_reach_the_engine(file: Path) -> None:
    engine = config.load(
        timeout_duration_minutes=0.5,
        heartbeat_interval_seconds=2,
        loop_interval_seconds=1,
        retries_standard_delay_minutes=0.25,
        retries_standard_extended_max_attempts=7,
        retention_days=0,
    ).engine()
    assert engine.timeout.total_seconds() == 30
    assert engine.retries.delay.total_seconds() == 15
    assert engine.retries.extended_attempts_max == 7
    assert engine.retention is None


def test_a_lease_holds_several_renewals(file: Path) -> None:
    refused = r"COMMAND_LEADER_LEASE_SECONDS \(10\) must hold at least three renewals of 4 s"
    with pytest.raises(ConductorError, match=refused):
        config.load(leader_lease_seconds=10, leader_renew_seconds=4)
    terms = config.load(leader_lease_seconds=12, leader_renew_seconds=4).terms(sole=False)
    assert (terms.lease_s, terms.renew_s, terms.own_s) == (12, 4, 8)


@pytest.mark.parametrize(("lease_s", "gap_s"), [(15, 60), (300, 600)])
def test_nothing_is_missed_while_the_leader_changes(file: Path, lease_s: float, gap_s: float) -> None:
    loaded = config.load(
        leader_lease_seconds=lease_s,
        timeout_duration_minutes=0.5,
        heartbeat_interval_seconds=1,
        loop_interval_seconds=1,
    )
    assert loaded.engine().missed_gap.total_seconds() == gap_s
    assert loaded.engine().outage_gap.total_seconds() == 10, "but agents are given time"
