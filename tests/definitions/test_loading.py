from __future__ import annotations

import datetime as dt
import json

import pytest

from conductor_server.definitions import yaml_files
from conductor_server.definitions.loading import check, load
from conductor_server.model.definition import (
    Account,
    Concurrency,
    Declarations,
    Definition,
    MemberDeclaration,
    Read,
    Retry,
)
from conductor_server.model.errors import DefinitionErrors, SourceUnavailableError
from conductor_server.model.states import Catchup, Frequency, RetryKind, StartPolicy, WindowRule
from tests.definitions.conftest import Write, complaint

NIGHT = """
version: 1
accounts:
  - {token: acme-uk, timezone: Europe/London, starts_on: 2026-11-01}
  - {token: acme-in, timezone_offset: 330, maintenance_until: 2026-11-22T06:00:00Z}
matrices:
  - {name: keyword, parent: account, members: {csv: keywords.csv}}
pools: {warehouse: 4}
defaults: {frequency: daily, matrix: account}
definitions:
  - name: load_orders
    source: cron
    writes_to: [raw.orders]
    cron: {project: shop, command: load_orders, arguments: ["--account", "${account.token}", "--days", 1]}
  - name: update_agg_sales
    source: stored_procedure
    reads_from: [raw.orders]
    writes_to: [agg.sales]
    starts_on: 2026-11-01
    priority: 10
    timeout: 30m
    pools: [warehouse]
    stored_procedure:
      database: ${env:WAREHOUSE_URL}
      procedure: agg.update_sales
      parameters: {account: "${account.token}", from: "${window.start}", note: null, rows: {out: bigint}}
      statement_timeout: 1m30s
  - name: forecast
    source: ml_command
    frequency: weekly
    reads_from: [{table: agg.sales, window: overlap}]
    writes_to: [ml.forecast]
    start_policy: after_success_and_reruns
    retry_policy: {exponential_backoff: {attempts: 5, base: 1m, factor: 2, cap: 1h}}
    ml_command:
      interpreter: python
      script: forecast.py
      arguments: ["--account", "${account.token}"]
      limits: {memory: 2GiB, cpu_time: 1h}
"""


def test_the_shape_that_people_write(write: Write) -> None:
    write("keywords.csv", "account,token\nacme-uk,shoes\nacme-in,hats\n")
    declared = load([write("night.yaml", NIGHT)])

    assert declared.source_token == "files"
    assert declared.pools == {"warehouse": 4}
    assert declared.accounts == (
        Account(token="acme-uk", timezone="Europe/London", starts_on=dt.date(2026, 11, 1)),
        Account(
            token="acme-in",
            timezone="+05:30",
            maintenance_until=dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC),
        ),
    )
    (keyword,) = declared.matrices
    for _ in "read twice":
        assert list(keyword.members) == [
            MemberDeclaration(token="shoes", parent="acme-uk"),
            MemberDeclaration(token="hats", parent="acme-in"),
        ]
    orders, sales, forecast = declared.definitions
    assert orders.spec == {
        "project": "shop",
        "command": "load_orders",
        "arguments": ["--account", "${account.token}", "--days", "1"],
        "environment": {},
    }
    assert str(sales.place) == "night.yaml:14:5"
    assert sales == Definition(
        name="update_agg_sales",
        source="stored_procedure",
        matrix="account",
        reads_from=(Read(table="raw.orders"),),
        writes_to=("agg.sales",),
        starts_on=dt.date(2026, 11, 1),
        priority=10,
        timeout=dt.timedelta(minutes=30),
        pools=("warehouse",),
        spec={
            "database": "${env:WAREHOUSE_URL}",
            "procedure": "agg.update_sales",
            "parameters": {
                "account": "${account.token}",
                "from": "${window.start}",
                "note": None,
                "rows": {"out": "bigint"},
            },
            "statement_timeout": 90.0,
        },
    )
    assert forecast.frequency is Frequency.WEEKLY
    assert forecast.reads_from == (Read(table="agg.sales", window=WindowRule.OVERLAP),)
    assert forecast.start_policy is StartPolicy.AFTER_SUCCESS_AND_RERUNS
    assert forecast.retry == Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=5)
    assert forecast.spec["limits"] == {"memory": 2 << 30, "cpu_time": 3600.0}
    assert check(declared).order == ("load_orders", "update_agg_sales", "forecast")


def test_json_says_the_same_as_yaml(write: Write) -> None:
    write("keywords.csv", "account,token\nacme-uk,shoes\n")
    from_yaml = load([write("night.yaml", NIGHT)])
    as_json = json.dumps(yaml_files.parse(NIGHT, origin="night").value, indent=2)
    from_json = load([write("night.json", as_json)])
    assert from_json.definitions == from_yaml.definitions
    assert from_json.accounts == from_yaml.accounts
    assert from_json.pools == from_yaml.pools


ONE = """
version: 1
definitions:
  - name: one
    source: shell
    shell: {argv: [date]}
    %s
"""


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        pytest.param("frequency: '*/15  * * * *'", "cron", "*/15 * * * *", id="cron"),
        pytest.param("frequency: monthly", "frequency", Frequency.MONTHLY, id="frequency"),
        pytest.param(
            "start_policy: after_first_success", "start_policy", StartPolicy.AFTER_FIRST_SUCCESS, id="start"
        ),
        pytest.param("retry_policy: standard", "retry", Retry(), id="retry-word"),
        pytest.param(
            "retry_policy: {standard: {attempts: 3}}", "retry", Retry(attempts=3), id="retry-attempts"
        ),
        pytest.param(
            "retry_policy: standard_extended",
            "retry",
            Retry(kind=RetryKind.STANDARD_EXTENDED),
            id="retry-extended",
        ),
        pytest.param(
            "retry_policy: exponential_backoff",
            "retry",
            Retry(kind=RetryKind.EXPONENTIAL_BACKOFF, attempts=10),
            id="retry-backoff",
        ),
        pytest.param(
            "retry_policy: {until_deadline: 6h}",
            "retry",
            Retry(kind=RetryKind.UNTIL_DEADLINE, deadline=dt.timedelta(hours=6)),
            id="retry-deadline",
        ),
        pytest.param(
            "starts_on: 2026-11-20T06:00:00Z",
            "starts_on",
            dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC),
            id="starts-at-an-instant",
        ),
        pytest.param("ends_on: 2026-11-20", "ends_on", dt.date(2026, 11, 20), id="ends"),
        pytest.param("active: false", "active", False, id="inactive"),
        pytest.param("delay: 1h30m", "delay", dt.timedelta(minutes=90), id="delay"),
        pytest.param("concurrency: {account: 2}", "concurrency", Concurrency(account=2), id="concurrency"),
        pytest.param("catchup: latest", "catchup", Catchup.LATEST, id="catchup"),
        pytest.param("catchup_max_age: 2d", "catchup_max_age", dt.timedelta(days=2), id="catchup-age"),
        pytest.param("description: 'no'", "description", "no", id="description"),
        pytest.param("writes_to: [' a ', a]", "writes_to", ("a",), id="tables-are-trimmed"),
        pytest.param(
            "reads_from: [{table: a, window: previous}]",
            "reads_from",
            (Read(table="a", window=WindowRule.PREVIOUS),),
            id="reads",
        ),
    ],
)
def test_keys_of_a_definition(write: Write, line: str, key: str, value: object) -> None:
    (definition,) = load([write("one.yaml", ONE % line)]).definitions
    assert getattr(definition, key) == value


def test_defaults_hold_for_one_file_and_give_way(write: Write) -> None:
    write(
        "d/a.yaml",
        """
        version: 1
        defaults: {frequency: hourly, priority: 3, source: manual}
        definitions: [{name: a}, {name: b, priority: 4}]
        """,
    )
    write("d/b.yaml", "{version: 1, definitions: [{name: c, source: manual}]}")
    found = load(["d"]).definitions
    assert [(each.name, each.frequency.word, each.priority) for each in found] == [
        ("a", "hourly", 3),
        ("b", "hourly", 4),
        ("c", "daily", 0),
    ]


def test_of_a_folder_the_declaration_files_count(write: Write) -> None:
    write("night/a.yaml", "{version: 1, definitions: [{name: a, source: manual}]}")
    write("night/deep/b.json", '{"definitions": [{"name": "b", "source": "manual"}], "version": 1}')
    write("night/c.yml", "definitions: [{name: c, source: manual}]\nversion: 1\n")
    write("night/package.json", '{"version": "1.2.3", "name": "x"}')
    write("night/nested.yaml", "stack:\n  version: 1\n")
    write("night/template.yaml", "a: {{ broken }}\n")
    write("night/accounts.yaml", "- {token: a}\n")
    write("night/.hidden/d.yaml", "{version: 1, definitions: [{name: d, source: manual}]}")
    assert [each.name for each in load(["night", "night/a.yaml"]).definitions] == ["a", "c", "b"]


@pytest.mark.parametrize("path", ["missing.yaml", "empty"])
def test_nothing_to_read_is_an_error_and_no_deletion(write: Write, path: str) -> None:
    write("empty/readme.md", "nothing here")
    with pytest.raises(
        SourceUnavailableError, match=r"missing.yaml cannot be read|there are no declarations in empty"
    ):
        load([path])


def test_a_file_that_is_named_must_be_a_declaration(write: Write) -> None:
    assert complaint(write("list.yaml", "- a\n")) == "list.yaml:1:1: this must be a mapping, not a list"
    assert complaint(write("empty.yaml", "")) == "empty.yaml:1:1: this must be a mapping, not nothing"
    assert complaint(write("v.yaml", "{definitions: []}")) == (
        "v.yaml:1:1: the key `version` is missing\n    remedy: add `version: …`"
    )


def test_sources_are_checked_together() -> None:
    one = Declarations(source_token="a", definitions=(Definition(name="x", source="shell", pools=("p",)),))
    two = Declarations(source_token="b", definitions=(Definition(name="x", source="shel"),))
    with pytest.raises(DefinitionErrors) as caught:
        check(one, two)
    assert {error.message for error in caught.value.errors} == {
        "the definition x is declared twice, first at <code>",
        "the pool p of x does not exist",
        "the source shel of x does not exist",
    }


def test_placeholders_of_an_account_need_one(write: Write) -> None:
    text = """
    version: 1
    definitions:
      - name: a
        source: shell
        shell: {argv: [echo, "${account.token}", "$${account.token}"]}
    """
    assert complaint(write("a.yaml", text)) == (
        "a.yaml:5:12: a uses an account's token, but members of default have no account\n"
        "    remedy: write `matrix: account`, or another matrix below it"
    )
    load([write("b.yaml", text.replace('"${account.token}", ', ""))])
