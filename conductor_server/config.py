"""Settings: from flags, environment, and ``conductor.toml`` in the home folder, in this order of precedence.

The engine's are named ``COMMAND_…`` as in the system this one descends from; the server's own ``CONDUCTOR_…``. Minutes
and days accept fractions, so that a night can be played in seconds.
"""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from conductor_server.engine.step import EngineSettings
from conductor_server.model.errors import ConductorError
from conductor_server.policy.frequency import zone
from conductor_server.policy.leadership import Terms
from conductor_server.policy.retry import RetrySettings

OUTAGE_GAP_MAX = dt.timedelta(minutes=1)
"""A longer gap between two passes is an absence of the server's. Where agents may be silent for less than three of
these, or passes are rarer, the gap is another: one that goes unnoticed counts as the agents' silence."""


def home() -> Path:
    """Where everything of this user lives: ``CONDUCTOR_HOME``, or ``~/.conductor``."""
    return Path(os.environ.get("CONDUCTOR_HOME") or Path.home() / ".conductor")


class Settings(BaseSettings):
    """Every setting of a server. ``conductor-server settings`` prints them with their values."""

    model_config = SettingsConfigDict(extra="ignore")

    database: str = Field(
        "",
        validation_alias="CONDUCTOR_DATABASE",
        description="sqlite:///PATH or postgresql://…; empty: conductor.db in the home folder",
    )
    listen: str = Field(
        "127.0.0.1:7400",
        validation_alias="CONDUCTOR_LISTEN",
        description="address for agents and clients; port 0 picks",
    )
    metrics_listen: str = Field(
        "127.0.0.1:0",
        validation_alias="CONDUCTOR_METRICS_LISTEN",
        description="address of /metrics and /health",
    )
    definitions: Annotated[list[str], NoDecode] = Field(
        [],
        validation_alias="CONDUCTOR_DEFINITIONS",
        description="files and folders with definitions, comma between",
    )
    definitions_timeout_seconds: float = Field(
        20,
        gt=0,
        le=60,
        validation_alias="CONDUCTOR_DEFINITIONS_TIMEOUT_SECONDS",
        description="a definition source that has not answered by then is passed over until it has",
    )
    timezone: str = Field(
        "UTC", validation_alias="CONDUCTOR_TIMEZONE", description="zone of slots that belong to no account"
    )
    log_format: Literal["console", "json"] = Field(
        "console", validation_alias="CONDUCTOR_LOG_FORMAT", description="how log lines look"
    )
    tls_certificate: str = Field(
        "",
        validation_alias="CONDUCTOR_TLS_CERTIFICATE",
        description="PEM file; needed to listen beyond loopback",
    )
    tls_key: str = Field(
        "", validation_alias="CONDUCTOR_TLS_KEY", description="PEM file of the certificate's key"
    )
    tls_client_ca: str = Field(
        "",
        validation_alias="CONDUCTOR_TLS_CLIENT_CA",
        description="PEM file; every client has to show a certificate of this authority",
    )

    restore_grace_seconds: float = Field(
        120,
        ge=0,
        le=86_400,
        validation_alias="CONDUCTOR_RESTORE_GRACE_SECONDS",
        description="after a restore agents have this long to report what the backup forgot; nothing is claimed",
    )

    slots_create_extra_days: float = Field(
        10,
        ge=0,
        le=366,
        validation_alias="COMMAND_SLOTS_CREATE_EXTRA_DAYS",
        description="how far ahead slots are created",
    )
    timeout_duration_minutes: float = Field(
        10,
        gt=0,
        validation_alias="COMMAND_TIMEOUT_DURATION_MINUTES",
        description="without a heartbeat for this long a run is given up",
    )
    retries_standard_max_attempts: int = Field(
        10,
        ge=1,
        validation_alias="COMMAND_RETRIES_STANDARD_MAX_ATTEMPTS",
        description="failed runs in a row under the policy standard",
    )
    retries_standard_extended_max_attempts: int = Field(
        20,
        ge=1,
        validation_alias="COMMAND_RETRIES_STANDARD_EXTENDED_MAX_ATTEMPTS",
        description="the same under standard_extended",
    )
    retries_standard_delay_minutes: float = Field(
        10,
        ge=0,
        validation_alias="COMMAND_RETRIES_STANDARD_DELAY_MINUTES",
        description="between a failure and the next attempt",
    )
    heartbeat_interval_seconds: float = Field(
        10,
        gt=0,
        validation_alias="COMMAND_HEARTBEAT_INTERVAL_SECONDS",
        description="how often agents say that they are alive",
    )
    retention_days: float = Field(
        0,
        ge=0,
        validation_alias="COMMAND_RETENTION_DAYS",
        description="slots decided longer ago are deleted with their runs; 0 keeps them for ever",
    )
    loop_interval_seconds: float = Field(
        5,
        gt=0,
        le=3600,
        validation_alias="COMMAND_LOOP_INTERVAL_SECONDS",
        description="the engine looks at least this often",
    )
    full_pass_interval_seconds: float = Field(
        300,
        gt=0,
        le=86_400,
        validation_alias="COMMAND_FULL_PASS_INTERVAL_SECONDS",
        description="it looks at everything, not only at what has changed, at least this often",
    )
    leader_lease_seconds: float = Field(
        15,
        gt=0,
        le=3600,
        validation_alias="COMMAND_LEADER_LEASE_SECONDS",
        description="of several servers: one that leads and is silent for this long is replaced",
    )
    leader_renew_seconds: float = Field(
        3,
        gt=0,
        validation_alias="COMMAND_LEADER_RENEW_SECONDS",
        description="how often the server that leads says that it is alive",
    )

    @field_validator("definitions", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value
        )

    @field_validator("listen", "metrics_listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and int(port) < 2**16):
            raise ValueError(f"{value} is not HOST:PORT, such as 127.0.0.1:7400 or [::1]:7400")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        zone(value)
        return value

    @model_validator(mode="after")
    def _has_both_of_tls(self) -> Self:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("a TLS certificate and its key belong together: give both, or neither")
        if self.tls_client_ca and not self.tls_certificate:
            raise ValueError(
                "clients show certificates over TLS only: give --tls-certificate and --tls-key too"
            )
        return self

    @model_validator(mode="after")
    def _has_a_lease_of_several_renewals(self) -> Self:
        if self.leader_lease_seconds < 3 * self.leader_renew_seconds:
            raise ValueError(
                f"COMMAND_LEADER_LEASE_SECONDS ({self.leader_lease_seconds:g}) must hold at least three renewals of "
                f"{self.leader_renew_seconds:g} s, or one that is late would change the leader: lower "
                "COMMAND_LEADER_RENEW_SECONDS"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _File(settings_cls, toml_file=home() / "conductor.toml")

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{home() / 'conductor.db'}"

    def terms(self, *, sole: bool) -> Terms:
        """On what terms this server leads; ``sole`` where there can be no other."""
        return Terms(lease_s=self.leader_lease_seconds, renew_s=self.leader_renew_seconds, sole=sole)

    @property
    def restore_grace(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.restore_grace_seconds)

    def engine(self) -> EngineSettings:
        """The part that the engine is given. Raises ConductorError where two settings contradict each other."""
        timeout = dt.timedelta(minutes=self.timeout_duration_minutes)
        interval = dt.timedelta(seconds=self.heartbeat_interval_seconds)
        if timeout < 3 * interval:
            raise ConductorError(
                f"COMMAND_TIMEOUT_DURATION_MINUTES ({self.timeout_duration_minutes}) must hold at least three "
                f"heartbeats of {self.heartbeat_interval_seconds} s, or one lost message would end a live run: "
                "lower COMMAND_HEARTBEAT_INTERVAL_SECONDS"
            )
        loop_interval = dt.timedelta(seconds=self.loop_interval_seconds)
        outage_gap = max(3 * loop_interval, min(OUTAGE_GAP_MAX, timeout / 3))
        if outage_gap > timeout / 2:
            raise ConductorError(
                f"COMMAND_TIMEOUT_DURATION_MINUTES ({self.timeout_duration_minutes}) must hold at least six passes, "
                f"{self.loop_interval_seconds} s apart, or an absence of the server's would be taken for one of its "
                "agents': lower COMMAND_LOOP_INTERVAL_SECONDS"
            )
        return EngineSettings(
            slots_create_extra=dt.timedelta(days=self.slots_create_extra_days),
            timeout=timeout,
            retries=RetrySettings(
                attempts_max=self.retries_standard_max_attempts,
                extended_attempts_max=self.retries_standard_extended_max_attempts,
                delay=dt.timedelta(minutes=self.retries_standard_delay_minutes),
            ),
            retention=dt.timedelta(days=self.retention_days) if self.retention_days else None,
            heartbeat_interval=interval,
            outage_gap=outage_gap,
            missed_gap=max(OUTAGE_GAP_MAX, outage_gap, 2 * dt.timedelta(seconds=self.leader_lease_seconds)),
            loop_interval=loop_interval,
            full_pass_interval=dt.timedelta(seconds=self.full_pass_interval_seconds),
        )


class _File(TomlConfigSettingsSource):
    """``conductor.toml``, in which a name that does not exist is a mistake; the environment holds other things too."""

    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        try:
            read: dict[str, Any] = super()._read_file(file_path)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConductorError(f"{file_path} cannot be read: {error}") from error
        known = {str(field.validation_alias) for field in Settings.model_fields.values()}
        if strangers := sorted(read.keys() - known):
            raise ConductorError(
                f"{file_path}: there is no setting {', '.join(strangers)}; `conductor-server settings` lists them"
            )
        return read


def load(**flags: Any) -> Settings:
    """The settings, with flags that were given (not ``None``) before everything else. Raises ConductorError."""
    try:
        fields = Settings.model_fields
        return Settings(
            **{
                str(fields[name].validation_alias): value
                for name, value in flags.items()
                if value is not None
            }
        )
    except ValidationError as error:
        raise ConductorError(
            "\n  ".join(["settings cannot be used:", *map(_line, error.errors())])
        ) from error


def _line(fault: ErrorDetails) -> str:
    name = ".".join(map(str, fault["loc"]))
    # What pydantic says begins with a capital; what our own validators say comes as the error itself.
    said = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"].lower()
    return f"{name}: {said}" if name else said
