{#
  The arrival days that this invocation is about, from `--event-time-start` (inclusive) and
  `--event-time-end` (exclusive). None when neither was given: the model then covers all of history.
  Read from the invocation's arguments and not from vars, because changed vars make dbt parse the
  whole project again.
#}
{% macro arrival_window() %}
    {% set start = invocation_args_dict.get("event_time_start") %}
    {% set end = invocation_args_dict.get("event_time_end") %}
    {% if not start and not end %} {{ return(none) }} {% endif %}
    {% if not start or not end %}
        {{ exceptions.raise_compiler_error("Give both --event-time-start and --event-time-end, or neither.") }}
    {% endif %}
    {% set first = modules.datetime.date.fromisoformat((start | string)[:10]) %}
    {% set last = modules.datetime.date.fromisoformat((end | string)[:10]) - modules.datetime.timedelta(days=1) %}
    {{ return({"first": first, "last": last}) }}
{% endmacro %}

{# Days after the event's own day on which it may still arrive and be counted. #}
{% macro late_days() %} {{ return(env_var("FOOTFALL_LATE_DAYS", "3") | int) }} {% endmacro %}

{#
  How far the arrivals of one day reach, in days before and after it. With N late days an event
  dated d arrives on d-1 … d+N, so arrivals of day a change event dates a-N … a+1 (`events`).
  A session is at most 24 hours long, which spans three calendar days where the clocks go forward,
  and one changed event can move the start of the session after it: session dates a-N-2 … a+2 change
  and with them what events dated a-N-2 … a+4 know of their session (`session_events`). A session that
  shows a program flags its visitor on every day it touches, and so the sessions that begin there:
  what depends on bots is written as far (`sessions`).
  Repeated deliveries are looked for (`deliveries`) wherever a model of the same run may read events.
  A visitor's funnel of day d looks at the steps of the days after it, one more than the funnel's window
  where the clocks go forward, at carts as far before, and at the days on which the visitor was seen
  before (`visitor_funnels`); that of sessions looks back only (`session_funnels`).
#}
{% macro reach(stage) %}
    {% set n = late_days() %}
    {% set funnel_days = var("funnel_window_days") + 1 %}
    {{ return({
        "arrivals": {"before": 0, "after": 0},
        "events": {"before": n, "after": 1},
        "sessions": {"before": n + 2, "after": 4},
        "session_events": {"before": n + 2, "after": 4},
        "deliveries": {"before": n + 3, "after": 6},
        "session_funnels": {"before": n + 2, "after": [4, 1 + var("returning_days")] | max},
        "visitor_funnels": {
            "before": n + 2 + funnel_days,
            "after": [4 + funnel_days, 1 + var("returning_days")] | max,
        },
    }[stage]) }}
{% endmacro %}

{#
  SQL predicate: `column` lies in the part of history that a stage rewrites in this invocation,
  widened by `before` and `after` days. `true` when the invocation has no window.
#}
{% macro in_window(column, stage, before=0, after=0) %}
    {%- set window = arrival_window() -%}
    {%- if window is none -%} true
    {%- else -%}
        {%- set span = reach(stage) -%}
        {{ column }}
        between {{ day_literal(window.first, -span.before - before) }}
        and {{ day_literal(window.last, span.after + after) }}
    {%- endif -%}
{% endmacro %}

{% macro day_literal(day, offset=0) %}
    {{- return("cast('" ~ (day + modules.datetime.timedelta(days=offset)).isoformat() ~ "' as date)") -}}
{% endmacro %}

{# Predicate on arrivals that can contribute to the event dates that `stage` rewrites. #}
{% macro arrivals_behind(stage, before=0, after=0) %}
    {{- return(in_window("arrival_date", stage, before + 1, after + late_days())) -}}
{% endmacro %}

{#
  SQL predicate on events: dated in the part of history that a stage rewrites, widened by `before` and
  `after` days. It names the arrivals as well, which is what keeps a day's run from reading all of the lake.
#}
{% macro in_event_window(stage, before=0, after=0, relation=none) %}
    {%- if arrival_window() is none -%} true
    {%- else -%}
        {%- set prefix = relation ~ "." if relation else "" -%}
        {{ in_window(prefix ~ "event_date", stage, before, after) }}
        and {{ in_window(prefix ~ "arrival_date", stage, before + 1, after + late_days()) }}
    {%- endif -%}
{% endmacro %}
