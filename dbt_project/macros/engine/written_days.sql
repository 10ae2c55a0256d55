{#
  The days that the models named in `meta.days_of` have rewritten since this model was last written,
  as spans (`first`, `last`) in order; none when all of history is to be written. A row that looks back
  is written again for so many days more (`meta.days_after`).
#}
{% macro written_days() %}
    {% if not execute or not is_incremental() %} {{ return(none) }} {% endif %}
    {% set meta = config.get("meta") %}
    {% set spans = spans_written(meta["days_of"], model.name) %}
    {% for span in spans or [] %}
        {% do span.update(last=span.last + modules.datetime.timedelta(days=meta.get("days_after", 0))) %}
    {% endfor %}
    {{ return(spans) }}
{% endmacro %}

{# SQL predicate: `column` is one of the days to be rewritten, or not more than `before` days older. #}
{% macro in_written_days(column, before=0) %} {{- in_spans(column, written_days(), before) -}} {% endmacro %}

{#
  The days that `models` have rewritten since the model named `since` was last written, as spans
  (`first`, `last`) in order; none when one of them was written whole. `ops.partition_writes` is filled
  in the transaction of each write, so nothing is missed when a run dies half-way: its days are still
  newer than the last write of `since`.
#}
{% macro spans_written(models, since) %}
    {% set writes = run_query(
        "select from_date, coalesce(to_date, from_date) as to_date from ops.partition_writes where model in ('"
        ~ models | join("', '")
        ~ "') and write_id > (select coalesce(max(write_id), 0) from ops.partition_writes where model = '"
        ~ since
        ~ "') group by all order by from_date nulls first, to_date"
    ).rows %}
    {% set spans = [] %}
    {% for write in writes %}
        {% if write[0] is none %} {{ return(none) }} {% endif %}
        {% set after_last = modules.datetime.timedelta(days=1) %}
        {% if spans and write[0] <= spans[-1].last + after_last %}
            {% do spans[-1].update(last=[spans[-1].last, write[1]] | max) %}
        {% else %} {% do spans.append({"first": write[0], "last": write[1]}) %}
        {% endif %}
    {% endfor %}
    {{ return(spans) }}
{% endmacro %}

{# SQL predicate: `column` lies in one of the spans, each widened by `before` and `after` days; true without spans. #}
{% macro in_spans(column, spans, before=0, after=0) %}
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
