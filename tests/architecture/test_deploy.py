"""What ``deploy/`` holds fits the programs: files, commands, options and settings exist; systemd takes the units."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from conductor_agent.cli import main as agent
from conductor_server.config import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
PROGRAMS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])
SETTINGS = {str(field.validation_alias) for field in Settings.model_fields.values()}
AGENT_OPTIONS = {name for parameter in agent.params for name in parameter.opts}


def service(unit: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return parser["Service"]


def environment(name: str) -> dict[str, str]:
    lines = [line for line in (DEPLOY / name).read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_program_of_ours(unit: Path) -> None:
    argv = shlex.split(service(unit)["ExecStart"])

    assert Path(argv[0]).name in PROGRAMS
    options = [word for word in argv[1:] if word.startswith("--")]
    assert set(options) <= AGENT_OPTIONS, options


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_unit(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd here")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if unit.stem.rstrip("@") in line]
    assert [line for line in complaints if "is not executable" not in line] == []


def test_commands_outlive_their_agent() -> None:
    found = service(DEPLOY / "conductor-agent@.service")

    assert found["KillMode"] == "process"
    assert "--on-stop leave" in found["ExecStart"]
    assert "PrivateTmp" not in found


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_hardened(unit: Path) -> None:
    found = service(unit)

    assert (found["NoNewPrivileges"], found["CapabilityBoundingSet"]) == ("yes", "")
    assert found["ProtectSystem"] in ("strict", "full")
    assert found["StateDirectoryMode"] == "0700"
    assert found.get("User", "") != "root"


def test_the_servers_environment_is_of_settings_that_exist() -> None:
    given = environment("server.env")

    assert given.keys() <= SETTINGS
    Settings(**given)  # type: ignore[arg-type]  # as pydantic-settings reads them


def test_the_agents_options_exist() -> None:
    words = shlex.split(environment("agent-etl.env")["AGENT_OPTIONS"])

    assert {word for word in words if word.startswith("--")} <= AGENT_OPTIONS


def test_the_container_file_names_what_is_there() -> None:
    lines = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [tuple(line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]
    copied = [
        path for step, rest in steps if step == "COPY" and "--from" not in rest for path in rest.split()[:-1]
    ]
    commands = [rest for step, rest in steps if step == "CMD"]

    assert [path for path in copied if not (ROOT / path).exists()] == []
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert set(packages["packages"]) <= set(copied)
    assert commands == ['["conductor-server"]']
    users = [rest for step, rest in steps if step == "USER"]
    assert users, "it would run as root"
    assert users[-1] not in ("root", "0")
    assert any(step == "HEALTHCHECK" and "/health" in rest for step, rest in steps)
