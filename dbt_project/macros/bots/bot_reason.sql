{# The first of the rules that a visitor's day or session breaks, null when none; thresholds are `vars: bots:`. #}
{% macro bot_reason(breaks) -%}
    case
        {%- for reason in ["user_agent", "event_rate", "session_cap", "round_the_clock", "one_hit_swarm"] if reason in breaks %}
            when {{ breaks[reason] }} then '{{ reason }}'
        {%- endfor %}
    end
{%- endmacro %}
