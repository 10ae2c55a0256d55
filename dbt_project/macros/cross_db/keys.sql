{#
  md5 over a list of expressions joined by `|`, with a `|` inside a value doubled: nulls and empty
  strings stay apart.
#}
{% macro hash_key(expressions) %}
    md5(
        concat_ws(
            '|'
            {%- for expression in expressions -%}
                , coalesce(replace(cast({{ expression }} as varchar), '|', '||'), '|-')
            {%- endfor -%}
        )
    )
{% endmacro %}

{# A 64-bit mark of a row's expressions: equal rows have equal marks, unequal ones nearly always other marks. #}
{% macro row_mark(expressions) %}
    {{ return(adapter.dispatch("row_mark", "footfall")(expressions)) }}
{% endmacro %}
{% macro duckdb__row_mark(expressions) -%} hash({{ expressions | join(", ") }}) {%- endmacro %}
{% macro spark__row_mark(expressions) -%} xxhash64({{ expressions | join(", ") }}) {%- endmacro %}
