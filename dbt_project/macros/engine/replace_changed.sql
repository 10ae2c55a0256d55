{#
  touched keys, of which few change: what the run computed for the keys in the list of touched keys is
  compared with what is there, and only rows that differ are replaced and their days logged. A visitor
  who comes back touches all that they ever did, but changes little of it; without the comparison every
  day of history would count as rewritten, to be published and summed up again.
  Model meta: `partition_column`, `touched_by`, `touched_key`, and `key`, the columns that identify a row;
  `holds_onward` where a row speaks of all days from its own on, which then all count as rewritten.
#}
{% macro get_incremental_replace_changed_sql(args) %}
    {% set meta = config.get("meta") %}
    {% set column = meta["partition_column"] %}
    {% set columns = get_quoted_csv(args["dest_columns"] | map(attribute="name")) %}
    {% set before %}
        select {{ columns }}
        from {{ args["target_relation"] }} as target
        where
            exists (
                select 1 from {{ ref(meta["touched_by"]) }} as touched
                where
                    {% for key in meta["touched_key"] %}
                        touched.{{ key }} = target.{{ key }} {{ "and" if not loop.last }}
                    {% endfor %}
            )
    {% endset %}
    {% set after %} select {{ columns }} from {{ args["temp_relation"] }} {% endset %}

    create or replace temp table {{ model.name }}__gone as ({{ before }}) except ({{ after }})
    ;
    create or replace temp table {{ model.name }}__new as ({{ after }}) except ({{ before }})
    ;
    {% set onward = meta.get("holds_onward") %}
    insert into ops.partition_writes
    select
        nextval('ops.write_ids'),
        '{{ model.name }}',
        day,
    {{ "cast('2999-12-31' as date)" if onward else "day" }},
        now()::timestamp
    from (
        select {{ "min(" ~ column ~ ")" if onward else column }} as day
        from (select {{ column }} from {{ model.name }}__gone union select {{ column }} from {{ model.name }}__new)
    )
    where day is not null
    order by day;
    delete from {{ args["target_relation"] }} as target
    where
        exists (
            select 1
            from {{ model.name }}__gone as gone
            where
                {% for key in meta["key"] %}
                    gone.{{ key }} = target.{{ key }} {{ "and" if not loop.last }}
                {% endfor %}
        )
    ;
    insert into {{ args["target_relation"] }} ({{ columns }}) select {{ columns }} from {{ model.name }}__new;
    drop table {{ model.name }}__gone
    ;
    drop table {{ model.name }}__new
    ;
{% endmacro %}
