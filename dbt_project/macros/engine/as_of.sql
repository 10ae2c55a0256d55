{# The last day that each shop's data speak of; a row that is dated in the future does not move it. #}
{% macro as_of() %}
    select kpis.shop_id, least(max(kpis.kpi_date), max(newest_arrivals.arrival_date)) as as_of
    from {{ ref("agg_kpis_daily") }} as kpis
    inner join
        (
            select shop_id, max(arrival_date) as arrival_date
            from {{ ref("audit_arrival_days") }}
            group by shop_id
        ) as newest_arrivals
        on newest_arrivals.shop_id = kpis.shop_id
    group by kpis.shop_id
{% endmacro %}
