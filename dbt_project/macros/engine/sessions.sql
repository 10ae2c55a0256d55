{# The id of a session, from shop, visitor and the microsecond of its first event. #}
{% macro session_id(session) -%}
    {{
        hash_key(
            [
                session ~ ".shop_id",
                session ~ ".visitor_id",
                epoch_us(session ~ ".session_start_ts"),
            ]
        )
    }}
{%- endmacro %}

{# Join condition: an event lies in a row of `int_session_days`. Sessions of a visitor never overlap. #}
{% macro in_session_day(event, session) -%}
    {{ session }}.shop_id = {{ event }}.shop_id
    and {{ session }}.visitor_id = {{ event }}.visitor_id
    and {{ session }}.event_date = {{ event }}.event_date
    and {{ event }}.event_ts between {{ session }}.first_event_ts and {{ session }}.last_event_ts
{%- endmacro %}

{# The customer that a visitor without device is: the visitor's id is `customer:` and the customer's. #}
{% macro visiting_customer(visitor_id) -%}
    case when {{ visitor_id }} like 'customer:%' then substring({{ visitor_id }}, length('customer:') + 1) end
{%- endmacro %}
