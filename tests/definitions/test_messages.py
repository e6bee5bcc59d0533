"""What people read when a declaration is wrong, word for word."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from tests.definitions.conftest import Write, complaint


def test_all_that_is_wrong_with_a_file_is_told_at_once(write: Write) -> None:
    """A cycle, typing errors and bad parameters, some of them in the same definition."""
    write(
        "broken.yaml",
        """
        version: 1
        defaults: {matrix: account, timout: 3}
        pools: {warehouse: 4}
        definitions:
          - name: a
            source: shell
            reads_from: [t.b]
            writes_to: [t.a]
            pools: [warehous]
            shell: {argv: [echo, "${account.tokn}"]}
          - name: b
            source: shell
            reads_form: [t.x]
            reads_from: [t.a]
            writes_to: [t.b]
            timeout: 30
            shell: {argv: [echo], script: x}
          - name: c
            source: shel
            priority: high
            active: no
            stored_procedure: {database: x, procedure: "a b", parameters: {x: [1]}}
            retry_policy: {exponential_backoff: {atempts: 3, base: 1x}}
            frequency: "61 * * * *"
        """,
    )
    assert complaint("broken.yaml") == dedent(
        """\
        broken.yaml:2:29: there is no key `timout` here
            remedy: did you mean `timeout`?
        broken.yaml:5:5: 2 definitions wait for one another: a writes t.a for b; b writes t.b for a
            remedy: remove one of these reads, or write it as {table: …, window: none} if it need not be fresh
        broken.yaml:9:13: the pool warehous of a does not exist
            remedy: did you mean `warehouse`?
        broken.yaml:10:26: `${account.tokn}` is no placeholder
            remedy: use ${account.token}, ${member.token}, ${window.start}, ${window.end}, ${window.label}, \
${slot}, ${attempt} or ${env:NAME}; write $${ for a literal ${
        broken.yaml:13:5: there is no key `reads_form` here
            remedy: did you mean `reads_from`?
        broken.yaml:16:14: `timeout`: `30` is no duration
            remedy: write 90s, 30m, 1h30m or 2d
        broken.yaml:17:12: `shell`: a shell command has either `argv` or `script`
        broken.yaml:19:13: there is no source `shel`
            remedy: did you mean `shell`?
        broken.yaml:20:15: `priority` must be a whole number, not the text `high`
        broken.yaml:21:13: `active` must be true or false, not the text `no`
        broken.yaml:22:48: `procedure`: `a b` is no name of a procedure
            remedy: write procedure or schema.procedure
        broken.yaml:22:71: `x`: [1] is no parameter
            remedy: write a value, {out: integer} or {inout: 5, type: integer}
        broken.yaml:23:42: there is no key `atempts` here
            remedy: did you mean `attempts`?
        broken.yaml:23:60: `base`: `1x` is no duration
            remedy: write 90s, 30m, 1h30m or 2d
        broken.yaml:24:16: `frequency`: the cron expression `61 * * * *` is wrong: bad minute"""
    )


def test_faults_of_several_files_come_together(write: Write) -> None:
    write(
        "night/a.yaml",
        """
        version: 1
        definitions:
          - {name: a, source: manual, reads_from: [b], writes_to: [a]}
        """,
    )
    write("night/b.json", '{"version": 1,\n "definitions": [\n  {"name": "b", "source": "manual",\n   "x": 1,\n'
          '   "reads_from": ["a"], "writes_to": ["b"]}]}')  # fmt: skip
    write("night/c.yaml", "version: 1\ndefinitions:\n  - {name: [\n")
    assert complaint("night") == dedent(
        """\
        night/a.yaml:3:5: 2 definitions wait for one another: a writes a for b; b writes b for a
            remedy: remove one of these reads, or write it as {table: …, window: none} if it need not be fresh
        night/b.json:4:4: there is no key `x` here
            remedy: the keys here are KEYS
        night/c.yaml:4:1: this is not YAML: did not find expected node content while parsing a flow node"""
    ).replace("KEYS", ", ".join(DEFINITION_KEYS))


DEFINITION_KEYS = [
    *("source", "frequency", "matrix", "start_policy", "retry_policy", "starts_on", "ends_on", "active"),
    *("priority", "timeout", "delay", "pools", "concurrency", "catchup", "catchup_max_age", "name"),
    *("reads_from", "writes_to", "description"),
    *("cron", "dask", "manual", "ml_command", "python", "ray", "shell", "stored_procedure"),
]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param(
            "source: manual", "f.yaml:3:5: the key `name` is missing\n    remedy: add `name: …`", id="no-name"
        ),
        pytest.param(
            "name: 5\nsource: manual",
            'f.yaml:3:11: `name` must be text, not the number 5\n    remedy: put it in quotes: "5"',
            id="name-is-a-number",
        ),
        pytest.param(
            "name: 'a/b'\nsource: manual",
            "f.yaml:3:11: `name`: the name `a/b` must be 1 to 200 letters, digits, `_`, `.` or `-`, "
            "and start with a letter or `_`",
            id="name-with-a-slash",
        ),
        pytest.param(
            "name: a\nsource: shell",
            "f.yaml:4:13: the key `shell` is missing: it says what to run\n    remedy: add `shell: …`",
            id="no-spec",
        ),
        pytest.param(
            "name: a\nsource: manual\nshell: {argv: [date]}",
            "f.yaml:5:5: the source is manual, so that `shell` says nothing\n"
            "    remedy: remove it, or write `source: shell`",
            id="spec-of-another-source",
        ),
        pytest.param(
            "name: a\nsource: manual\nfrequency: dayly",
            "f.yaml:5:16: `frequency`: there is no frequency `dayly`\n"
            "    remedy: use hourly, daily, weekly, monthly, one_off or a cron expression",
            id="frequency",
        ),
        pytest.param(
            "name: a\nsource: manual\nmatrix: shop",
            "f.yaml:5:13: the matrix shop of a does not exist\n"
            "    remedy: declare it under `matrices`, or use one of default, account, keyword",
            id="matrix",
        ),
        pytest.param(
            "name: a\nsource: manual\nstart_policy: after_failure",
            "f.yaml:5:19: a starts after_failure, but reads no table of another\n"
            "    remedy: add a table to `reads_from`, or choose another `start_policy`",
            id="failure-of-nothing",
        ),
        pytest.param(
            "name: a\nsource: manual\nretry_policy: until_deadline",
            "f.yaml:5:19: `retry_policy`: `until_deadline` needs a duration\n    remedy: write {until_deadline: 6h}",
            id="deadline-without-duration",
        ),
        pytest.param(
            "name: a\nsource: manual\nretry_policy: {standard: {}, until_deadline: 6h}",
            "f.yaml:5:19: `retry_policy`: exactly one of standard, standard_extended, exponential_backoff, "
            "until_deadline is needed",
            id="two-retry-policies",
        ),
        pytest.param(
            "name: a\nsource: manual\nstarts_on: 2026-13-01",
            "f.yaml:5:16: `starts_on`: month must be in 1..12",
            id="month",
        ),
        pytest.param(
            "name: a\nsource: manual\nstarts_on: 2026-11-02\nends_on: 2026-11-02",
            "f.yaml:6:14: `ends_on` is 2026-11-02, which is not after `starts_on`, 2026-11-02\n"
            "    remedy: `ends_on` is the first day without a slot",
            id="ends-first",
        ),
        pytest.param(
            "name: a\nsource: manual\nreads_from: [{table: x, window: overlapp}]",
            "f.yaml:5:37: `window`: `overlapp` is none of overlap, closed, previous, none",
            id="window-rule",
        ),
        pytest.param(
            "name: a\nsource: manual\nwrites_to: ['  ']",
            "f.yaml:5:17: `writes_to`: the name of a table is empty",
            id="table",
        ),
        pytest.param(
            "name: a\nsource: manual\nconcurrency: {definition: 0}",
            "f.yaml:5:31: `definition` is the number 0, but must be at least 1",
            id="bound",
        ),
        pytest.param(
            "name: a\nname: a\nsource: manual",
            "f.yaml:4:5: the key `name` stands twice, first at f.yaml:3:5\n    remedy: keep one of them",
            id="key-twice",
        ),
        pytest.param(
            "name: a\nsource: shell\nshell: {argv: []}", "f.yaml:5:19: `argv` is empty", id="empty-argv"
        ),
        pytest.param(
            "name: a\nsource: shell\nshell: {argv: [no, true]}",
            "f.yaml:5:24: `argv`: an argument must be text or a number, not True\n    remedy: put it in quotes",
            id="argument-is-a-truth-value",
        ),
        pytest.param(
            "name: a\nsource: python\npython: {callable: jobs.run}",
            "f.yaml:5:24: `callable`: `jobs.run` names no function\n    remedy: write package.module:function",
            id="callable",
        ),
        pytest.param(
            "name: a\nsource: shell\nshell: {argv: [date], environment: {A-B: x}}",
            "f.yaml:5:41: `A-B` is no name of an environment variable",
            id="variable",
        ),
        pytest.param(
            "name: a\nsource: ml_command\nml_command: {interpreter: R, script: x, limits: {memory: lots}}",
            "f.yaml:5:62: `memory`: `lots` is no size\n    remedy: write 512MiB or 2GiB",
            id="size",
        ),
    ],
)
def test_faults_of_a_definition(write: Write, lines: str, message: str) -> None:
    item = indent(lines, "    ").replace("    ", "  - ", 1)
    assert complaint(write("f.yaml", f"version: 1\ndefinitions:\n{item}\n")) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("version: 2", "f.yaml:1:10: `version` is the number 2, but must be 1", id="version"),
        pytest.param(
            "{version: 1, definitons: []}",
            "f.yaml:1:14: there is no key `definitons` here\n    remedy: did you mean `definitions`?",
            id="section",
        ),
        pytest.param(
            "{version: 1, definitions: {a: b}}",
            "f.yaml:1:27: `definitions` must be a list\n    remedy: begin each with `- `",
            id="no-list",
        ),
        pytest.param(
            "{version: 1, definitions: [a]}", "f.yaml:1:28: a definition must be a mapping", id="no-mapping"
        ),
        pytest.param(
            "{version: 1, accounts: [{token: a/b}]}",
            "f.yaml:1:33: `token`: the token 'a/b' must be 1 to 200 characters without `/`, `@`, `:`, "
            "control characters or space around it",
            id="token",
        ),
        pytest.param(
            "{version: 1, accounts: [{token: a, timezone: Mars/X}]}",
            "f.yaml:1:46: `timezone`: there is no time zone `Mars/X`\n"
            "    remedy: use a name such as Europe/London or an offset such as +05:30",
            id="zone",
        ),
        pytest.param(
            "{version: 1, accounts: [{token: a, timezone: UTC, timezone_offset: 0}]}",
            "f.yaml:1:25: `accounts`: an account has either a `timezone` or a `timezone_offset`",
            id="two-clocks",
        ),
        pytest.param(
            "{version: 1, accounts: [{token: a}, {token: a}]}",
            "f.yaml:1:37: the account a is declared twice, first at f.yaml:1:25\n    remedy: remove one of them",
            id="account-twice",
        ),
        pytest.param(
            "{version: 1, accounts: {file: a.yaml, sql: {database: x, query: y}}}",
            "f.yaml:1:24: `accounts`: exactly one of file, sql is needed",
            id="two-account-sources",
        ),
        pytest.param(
            "{version: 1, accounts: {ldap: x}}",
            "f.yaml:1:25: there is no key `ldap` here\n    remedy: the keys here are file, sql",
            id="account-source",
        ),
        pytest.param(
            "{version: 1, matrices: [{name: shop, parent: shops}]}",
            "f.yaml:1:25: the matrix shop hangs below shops, which does not exist\n"
            "    remedy: declare shops, or hang it below one of account, keyword, shop",
            id="matrix-parent",
        ),
        pytest.param(
            "{version: 1, matrices: [{name: shop, parent: account, members: [{token: x}]}]}",
            "f.yaml:1:65: the member 'x' does not say which member of account it belongs to\n"
            "    remedy: give it a `parent`: the token of its account",
            id="member-without-parent",
        ),
        pytest.param(
            "{version: 1, pools: {a b: 1, c: -1}}",
            "f.yaml:1:22: the name `a b` must be 1 to 200 letters, digits, `_`, `.` or `-`, "
            "and start with a letter or `_`\n"
            "f.yaml:1:33: `c` is the number -1, but must be at least 0",
            id="pools",
        ),
    ],
)
def test_faults_of_a_file(write: Write, text: str, message: str) -> None:
    assert complaint(write("f.yaml", text)) == message
