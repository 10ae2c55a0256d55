{#
  SQL predicate: `column` lies at most `before` days before and `after` days after one of the days to be
  rewritten (see `in_written_days`). For what the rows of a day look up on the days around it.
#}
{% macro near_written_days(column, before, after) %}
    {%- set spans = written_days() -%}
    {%- if spans is none -%} true
    {%- elif not spans -%} false
    {%- else -%}
        (
            {%- for span in spans %}
                {{ column }}
                between {{ day_literal(span.first, -before) }} and {{ day_literal(span.last, after) }}
                {{- " or" if not loop.last }}
            {%- endfor %}
        )
    {%- endif -%}
{% endmacro %}
