from __future__ import annotations

import datetime as dt
import re
import sqlite3
from pathlib import Path

import pytest

from conductor_server.definitions.files import FileSource
from conductor_server.definitions.loading import load
from conductor_server.model.definition import Account, MemberDeclaration
from conductor_server.model.errors import DefinitionErrors, SourceUnavailableError
from tests.definitions.conftest import Write, complaint

QUERY = "SELECT token, timezone, timezone_offset, maintenance_until, starts_on FROM account WHERE active"

FROM_SQL = f"""
version: 1
accounts:
  sql: {{database: "${{env:CENTRAL_URL}}", query: "{QUERY}"}}
matrices:
  - name: keyword
    parent: account
    members: {{sql: {{database: "sqlite:///central.db", query: "SELECT account, token FROM keyword"}}}}
"""


@pytest.fixture
def central(write: Write) -> Path:
    """The central database of the business, beside the declarations."""
    path = write("night/night.yaml", FROM_SQL).parent / "central.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE account (token, timezone, timezone_offset, maintenance_until, starts_on, active);
            INSERT INTO account VALUES
                ('acme-uk', 'Europe/London', NULL, NULL, '2026-11-01', 1),
                (42, NULL, -210, '2026-11-22 06:00:00Z', NULL, 1),
                ('gone', NULL, NULL, NULL, NULL, 0);
            CREATE TABLE keyword (account, token);
            INSERT INTO keyword VALUES ('acme-uk', 'shoes'), (42, 'hats');
            """
        )
    database.close()
    return path


def source(url: str = "sqlite:///central.db") -> FileSource:
    return FileSource(["night"], {"CENTRAL_URL": url})


def test_accounts_and_members_come_from_a_query(central: Path) -> None:
    night = source()
    declared = night.read()
    assert declared.accounts == (
        Account(token="acme-uk", timezone="Europe/London", starts_on=dt.date(2026, 11, 1)),
        Account(
            token="42",
            timezone="-03:30",
            maintenance_until=dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC),
        ),
    )
    assert list(declared.matrices[0].members) == [
        MemberDeclaration(token="shoes", parent="acme-uk"),
        MemberDeclaration(token="hats", parent="42"),
    ]
    assert night.live


def test_offline_no_database_is_asked(central: Path) -> None:
    central.unlink()
    assert load(["night"]).accounts == ()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param(
            "sqlite:///nowhere.db",
            "night/night.yaml:3:3: there is no SQLite database night/nowhere.db",
            id="no-file",
        ),
        pytest.param(
            "nonsense",
            "night/night.yaml:3:3: this is no database URL; write postgresql+psycopg://user@host/name",
            id="no-url",
        ),
        pytest.param(
            "postgresql+psycopg://etl:secret@127.0.0.1:1/central",
            "night/night.yaml:3:3: the query to postgresql+psycopg://etl:***@127.0.0.1:1/central failed: ",
            id="nobody-answers",
        ),
    ],
)
def test_a_database_that_cannot_be_read_is_no_deletion(central: Path, url: str, message: str) -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        source(url).read()
    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)


def test_a_missing_variable_is_named(central: Path) -> None:
    with pytest.raises(
        SourceUnavailableError, match="the environment variable CENTRAL_URL is not set on the server"
    ):
        FileSource(["night"], {}).read()


@pytest.mark.parametrize("statement", ["DELETE FROM account", "SELECT * FROM nowhere"])
def test_a_query_can_only_read(central: Path, statement: str) -> None:
    path = Path("night/night.yaml")
    path.write_text(path.read_text().replace(QUERY, statement))
    with pytest.raises(SourceUnavailableError, match=r"write a readonly database|no such table: nowhere"):
        source().read()
    with sqlite3.connect(central) as database:
        assert database.execute("SELECT count(*) FROM account").fetchone() == (3,)
    database.close()


def test_a_row_that_is_no_account_is_named(central: Path) -> None:
    with sqlite3.connect(central) as database:
        database.execute("UPDATE account SET timezone = 'Mars/X' WHERE token = 'acme-uk'")
    database.close()
    with pytest.raises(DefinitionErrors) as caught:
        source().read()
    assert str(caught.value) == (
        "night/night.yaml:3:3: the query yields an account 'acme-uk' that is none: timezone: "
        "there is no time zone `Mars/X`; use a name such as Europe/London or an offset such as +05:30"
    )


def test_accounts_come_from_a_file_beside(write: Write) -> None:
    write("night/a.yaml", "{version: 1, accounts: {file: tenants.json}}")
    write("night/tenants.json", '[{"token": "acme", "timezone": "Asia/Tokyo"}]')
    assert load(["night/a.yaml"]).accounts == (Account(token="acme", timezone="Asia/Tokyo"),)

    write("night/tenants.json", '[{"token": "acme",\n  "timezon": "Asia/Tokyo"}]')
    assert complaint("night/a.yaml") == (
        "night/tenants.json:2:3: there is no key `timezon` here\n    remedy: did you mean `timezone`?"
    )
    Path("night/tenants.json").unlink()
    with pytest.raises(
        SourceUnavailableError, match=r"a.yaml:1:24: night/tenants.json cannot be read: no such"
    ):
        load(["night/a.yaml"])


def test_maintenance_without_an_offset_is_local(write: Write) -> None:
    path = write(
        "a.yaml",
        "{version: 1, accounts: [{token: a, timezone: Asia/Tokyo, maintenance_until: 2026-11-22T06:00}]}",
    )
    (account,) = load([path]).accounts
    assert account.maintenance_until == dt.datetime(2026, 11, 21, 21, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "token\nx\n",
            "k.csv:1:1: the header of this file lacks account\n"
            "    remedy: its first line must name the columns account, token",
            id="header",
        ),
        pytest.param(
            "parent,token\na,x\na,y/z\n",
            "k.csv:3:1: the token 'y/z' must be 1 to 200 characters without `/`, `@`, `:`, "
            "control characters or space around it",
            id="token",
        ),
        pytest.param(
            "account,token\n,x\n",
            "k.csv:2:1: the member 'x' does not say which member of account it belongs to\n"
            "    remedy: give it a `parent`: the token of its account",
            id="parent",
        ),
        pytest.param(
            "account,parent,token\na,b,x\n",
            "k.csv:1:1: the header of this file names account twice\n"
            "    remedy: its first line must name the columns account, token",
            id="header-twice",
        ),
        pytest.param(
            "",
            "k.csv:1:1: the header of this file lacks account, token\n"
            "    remedy: its first line must name the columns account, token",
            id="empty",
        ),
        pytest.param(
            "account,token\n\na,x\na,hats, red\n",
            "k.csv:4:1: this row has 3 values, but the header names 2 columns\n"
            "    remedy: put values that hold a comma in quotes",
            id="too-many-values",
        ),
        pytest.param(
            "account,token\na\n",
            "k.csv:2:1: this row has 1 value, but the header names 2 columns\n"
            "    remedy: put values that hold a comma in quotes",
            id="too-few-values",
        ),
        pytest.param(
            'account,token\na,"x\n',
            "k.csv: this is not CSV in UTF-8: unexpected end of data",
            id="open-quote",
        ),
    ],
)
def test_faults_of_a_csv_file(write: Write, text: str, message: str) -> None:
    write("k.csv", text)
    night = write(
        "n.yaml", "{version: 1, matrices: [{name: keyword, parent: account, members: {csv: k.csv}}]}"
    )
    assert complaint(night) == message


def test_a_changed_file_changes_the_fingerprint(write: Write) -> None:
    write("night/a.yaml", "{version: 1, accounts: {file: tenants.json}}")
    write("night/tenants.json", '[{"token": "a"}]')
    night = FileSource(["night"], {})
    night.read()
    seen = [night.fingerprint()]
    assert night.fingerprint() == seen[0]
    for name, text in (("tenants.json", "[]"), ("a.yaml", "{version: 1}"), ("b.yaml", "{version: 1}")):
        write(f"night/{name}", text)
        seen.append(night.fingerprint())
    assert len(set(seen)) == len(seen)
    assert not night.live


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            "UPDATE keyword SET token = 'a:b' WHERE account = 42",
            "row 2 of the query: the token 'a:b' must be 1 to 200 characters without `/`, `@`, `:`, "
            "control characters or space around it",
            id="token",
        ),
        pytest.param(
            "UPDATE keyword SET token = NULL",
            "row 1 of the query: the token '' must be 1 to 200 characters without `/`, `@`, `:`, "
            "control characters or space around it",
            id="no-token",
        ),
        pytest.param(
            "UPDATE keyword SET account = NULL WHERE token = 'hats'",
            "row 2 of the query: the member 'hats' does not say which member of account it belongs to\n"
            "    remedy: give it a `parent`: the token of its account",
            id="parent",
        ),
    ],
)
def test_a_row_of_a_query_that_is_no_member_is_named(central: Path, change: str, message: str) -> None:
    with sqlite3.connect(central) as database:
        database.execute(change)
    database.close()
    with pytest.raises(DefinitionErrors) as caught:
        source().read()
    assert str(caught.value) == f"night/night.yaml:7:14: {message}"


def test_members_are_read_once_and_equal_when_they_are_the_same(central: Path) -> None:
    """What was read stays what it is, whatever becomes of the source; another reading that says the same is equal."""
    first, second = source().read(), source().read()
    assert first == second
    with sqlite3.connect(central) as database:
        database.execute("DELETE FROM keyword WHERE token = 'hats'")
    database.close()
    assert source().read() != first
    for _ in range(2):
        assert [member.token for member in first.matrices[0].members] == ["shoes", "hats"]


def test_the_keyword_matrix_of_the_page(write: Write) -> None:
    """What docs/how-to/keywords.md shows can be loaded, from its file and from its database."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "keywords.md").read_text()
    (from_csv, from_sql), (keywords,) = (
        re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) for language in ("yaml", "csv")
    )
    write("csv/night.yaml", from_csv)
    write("csv/keywords.csv", keywords)
    (matrix,) = load(["csv"]).matrices
    assert list(matrix.members) == [
        MemberDeclaration(token="running shoes", parent="acme"),
        MemberDeclaration(token="hats", parent="acme"),
    ]

    path = write("sql/night.yaml", from_sql).parent / "central.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE keyword (account, keyword, active);"
            "INSERT INTO keyword VALUES ('acme', 'hats', 1), ('acme', 'old', 0);"
        )
    database.close()
    (matrix,) = FileSource(["sql"], {"CENTRAL_URL": "sqlite:///central.db"}).read().matrices
    assert list(matrix.members) == [MemberDeclaration(token="hats", parent="acme")]
