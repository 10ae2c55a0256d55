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
