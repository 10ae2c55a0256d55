{# The model has the rows of `to`, by these columns: no more and no less. #}
{% test same_keys_as(model, columns, to) %}
    {%- set keys = columns | join(", ") -%}
    (
        select {{ keys }}, 'missing here' as fault
        from {{ to }}
        except
        select {{ keys }}, 'missing here' as fault
        from {{ model }}
    )
    union all
    (
        select {{ keys }}, 'not there' as fault
        from {{ model }}
        except
        select {{ keys }}, 'not there' as fault
        from {{ to }}
    )
{% endtest %}
