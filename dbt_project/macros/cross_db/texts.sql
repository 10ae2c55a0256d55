{# The page of an address: without scheme, host, query, fragment and closing slashes; `/` for the front page. #}
{% macro page_path(url) -%}
    coalesce(
        nullif(
            regexp_replace(
                regexp_extract({{ url }}, '^([A-Za-z][A-Za-z0-9+.-]*:)?(//[^/?#]*)?([^?#]*)', 3), '/+$', ''
            ),
            ''
        ),
        '/'
    )
{%- endmacro %}

{# A text in lower case, blanks (also the wide and the hard one) at its ends cut off and inside made one; null when nothing is left. #}
{% macro plain_words(text) -%} {{ return(adapter.dispatch("plain_words", "footfall")(text)) }} {%- endmacro %}
{% macro duckdb__plain_words(text) -%}
    nullif(trim(regexp_replace(lower({{ text }}), '[\s\x{00A0}\x{3000}]+', ' ', 'g')), '')
{%- endmacro %}
{% macro spark__plain_words(text) -%}
    nullif(trim(regexp_replace(lower({{ text }}), r'[\s\u00A0\u3000]+', ' ')), '')
{%- endmacro %}
