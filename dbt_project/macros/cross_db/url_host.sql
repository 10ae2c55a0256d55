{# The host of an address in lower case, without `www.`; null where the address names none. #}
{% macro url_host(url) -%}
    nullif(regexp_extract(lower({{ url }}), '^[a-z][a-z0-9+.-]*://(www[.])?([^/?#:]+)', 2), '')
{%- endmacro %}

{# Whether a host is a sub-domain of another one; false where the other one is empty. #}
{% macro is_below_host(host, other) -%}
    ({{ other }} <> '' and right({{ host }}, length({{ other }}) + 1) = concat('.', {{ other }}))
{%- endmacro %}
