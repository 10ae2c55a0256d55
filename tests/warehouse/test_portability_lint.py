"""The project's SQL is portable; each construct that is not is named with its line, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.dbt_in_process import PROJECT_FOLDER
from orchestration.dbt_lint.portability import find_violations, violations_in
from orchestration.dbt_lint.portability_rules import CLOCK, RULES

SEEDED = [
    ("qualify", "select a from t qualify row_number() over (order by a) = 1"),
    ("distinct on", "select distinct on (a) a, b from t"),
    ("joined text", "select string_agg(a, ',' order by a) from t group by b"),
    ("ordered aggregate", "select array_agg(coalesce(a, 0) order by b) from t"),
    ("unnest", "select unnest(items) from t"),
    ("json operator or lambda", "select properties ->> 'x' from t"),
    ("json function", "select json_extract(properties, 'x') from t"),
    ("asof join", "select a from t asof join u on t.ts >= u.ts"),
    ("positional join", "select a from t positional join u"),
    ("semi or anti join", "select a from t anti join u on t.a = u.a"),
    ("day of week", "select dayofweek(d) from t"),
    ("day of week", "select extract(isodow from d) from t"),
    ("date_part", "select date_part('hour', ts) from t"),
    ("floor division", "select a // b from t"),
    ("cast by ::", "select a::bigint from t"),
    ("dateadd", "select date_add(ts, interval 1 day) from t"),
    ("dateadd", "select {{ dbt.dateadd('day', 1, 'ts') }} from t"),
    ("date_diff", "select date_diff('day', a, b) from t"),
    ("epoch", "select epoch_ms(ts) from t"),
    ("time as text", "select strftime(ts, '%Y') from t"),
    ("list function", "select list_sort(a) from t"),
    ("list or struct literal", "select files[1] from t"),
    ("struct function", "select struct_pack(a := 1) from t"),
    ("arg_min, arg_max", "select arg_max(a, ts) from t"),
    ("regular expression function", "select regexp_matches(a, 'x') from t"),
    ("regular expression operator", "select a from t where a ~ 'x'"),
    ("quantile", "select quantile_cont(a, 0.5) from t"),
    ("engine's own hash", "select hash(a) from t"),
    ("reading files", "select a from read_parquet('x.parquet')"),
    ("group or order by all", "select a, count(*) from t group by all"),
    ("star with changes", "select * exclude (a) from t"),
    ("union by name", "select a from t union all by name select a from u"),
    ("pivot", "pivot t on a using sum(b)"),
    ("value that depends on row order", "select any_value(a) from t"),
    ("wall clock", "select current_date - d from t"),
]

PORTABLE = """
{{ config(meta={"key": ["shop_id"], "note": "a::b"}) }}
-- a comment may say unnest(x) or a::b
{# and so may this: qualify //  #}
with
    days as (
        select shop_id, {{ days_between("first_date", "last_date") }} as days, 'https://x.y?a->b' as url
        from {{ ref("t") }}
        where {{ in_window("event_date", "events") }} and ts < other_ts + interval '30' minute
    )
/* pivot */
select
    "group by all", -- an identifier
    count(case when is_head then 1 end) as events,
    max(total) over (partition by shop_id order by ts, event_id) as running,
    count(*) filter (where a is not null) as known,
    weekday,
    {{ whole_division("cents", "100") }} as units
from days
"""


def _names(text: str, **options: bool) -> list[str]:
    return [violation.name for violation in violations_in(Path("m.sql"), text, **options)]


def test_the_project_s_sql_is_portable() -> None:
    root = PROJECT_FOLDER.parent
    assert [violation.in_words(root) for violation in find_violations(PROJECT_FOLDER)] == []


@pytest.mark.parametrize(("name", "sql"), SEEDED)
def test_a_seeded_violation_is_named(name: str, sql: str) -> None:
    assert name in _names(sql)


def test_every_rule_has_a_seeded_violation() -> None:
    assert {rule.name for rule in (*RULES, CLOCK)} == {name for name, _ in SEEDED}


def test_portable_sql_passes() -> None:
    assert _names(PORTABLE) == []


def test_a_violation_says_file_line_and_what_to_write(tmp_path: Path) -> None:
    model = tmp_path / "models" / "marts" / "m.sql"
    model.parent.mkdir(parents=True)
    model.write_text("select\n    a,\n    cents // 100 as units\nfrom t\n")
    (violation,) = find_violations(tmp_path)
    assert violation.in_words(tmp_path) == (
        "models/marts/m.sql:3: floor division (`//`): {{ whole_division(part, whole) }}"
    )


def test_macros_and_tests_are_looked_at_and_dispatched_ones_left_alone(tmp_path: Path) -> None:
    for folder, sql in {
        "macros/bots": "{% macro a(x) %} {{ x }}::bigint {% endmacro %}",
        "macros/metrics": "{% macro duckdb__a(x) %} {{ x }}::bigint {% endmacro %}",
        "macros/cross_db": "{% macro b(x) %} unnest({{ x }}) {% endmacro %}",
        "tests/generic": "{% test t(model) %} select a // b from {{ model }} where d < now() {% endtest %}",
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.sql").write_text(sql)
    found = {(violation.path.parent.name, violation.name) for violation in find_violations(tmp_path)}
    assert found == {("bots", "cast by ::"), ("generic", "floor division")}


def test_sql_handed_to_macros_and_to_tests_is_looked_at(tmp_path: Path) -> None:
    assert _names("""select {{ ratio("a::bigint", "b") }} as r from t""") == ["cast by ::"]
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.yml").write_text(
        "models:\n  - name: m\n    description: a::b\n    data_tests:\n"
        '      - holds: {arguments: {expression: "a // b = 1"}}\n'
    )
    assert [(found.line, found.name) for found in find_violations(tmp_path)] == [(5, "floor division")]


def test_a_line_may_say_why_it_stays() -> None:
    assert _names("select a::int as x -- duckdb only: read by the ops page alone\nfrom t") == []
    assert _names("-- duckdb only: read by the ops page alone\nselect a::int as x from t") == []
    assert _names("select a::int as x -- duckdb only:\nfrom t") == ["cast by ::"]
