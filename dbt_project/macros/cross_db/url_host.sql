{# The host of an address in lower case, without `www.`; null where the address names none. #}
{% macro url_host(url) -%}
    nullif(regexp_extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(www[.])?([^/?#:]+)', 2), '')
{%- endmacro %}
