{#
  Sessions with where they came from in one word, the channel group. The seed `channel_groups` says what channels,
  sources and mediums mean; how the meanings combine is said here. `sessions`: a relation with landing_page,
  referrer, channel, utm_source and utm_medium of each.
#}
{% macro session_channels(sessions) %}
    with
        sessions as (
            select
                *,
                {{ url_host("referrer") }} as referrer_host,
                coalesce({{ url_host("landing_page") }}, '') as own_host
            from {{ sessions }}
        ),

        -- sites that hand the visitor back
        ignored as (
            select distinct hosts.referrer_host
            from (select distinct referrer_host from sessions) as hosts
            inner join {{ ref("ignored_referrers") }} as patterns on hosts.referrer_host like patterns.pattern
        ),

        -- another site sent it: not the shop's own host, one below or one above it
        referred as (
            select
                sessions.*,
                sessions.referrer_host is not null
                and ignored.referrer_host is null
                and sessions.referrer_host <> sessions.own_host
                and not {{ is_below_host("sessions.referrer_host", "sessions.own_host") }}
                and not {{ is_below_host("sessions.own_host", "sessions.referrer_host") }} as is_referred
            from sessions
            left join ignored on ignored.referrer_host = sessions.referrer_host
        ),

        -- a session with campaign marks, or else one that another site sent, has a source
        sourced as (
            select
                *,
                case
                    when utm_source is not null or utm_medium is not null
                    then coalesce(lower(utm_source), '(not set)')
                    when is_referred
                    then referrer_host
                    when lower(channel) <> 'direct'
                    then '(not set)'
                    else '(direct)'
                end as traffic_source,
                case
                    when utm_source is not null or utm_medium is not null
                    then coalesce(lower(utm_medium), '(not set)')
                    when is_referred
                    then 'referral'
                    when lower(channel) <> 'direct'
                    then '(not set)'
                    else '(none)'
                end as traffic_medium
            from referred
        ),

        origins as (
            select distinct coalesce(lower(channel), '') as channel, traffic_source, traffic_medium
            from sourced
        ),

        {%- set parts = {"channel": "channel", "source": "traffic_source", "medium": "traffic_medium"} %}

        named as (
            {% for part, column in parts.items() %}
                select distinct '{{ part }}' as part, {{ column }} as name
                from origins {{ "union all" if not loop.last }}
            {% endfor %}
        ),

        -- the first rule of the seed that fits
        meanings as (
            select part, name, meaning
            from
                (
                    select
                        named.part,
                        named.name,
                        rules.meaning,
                        row_number() over (
                            partition by named.part, named.name order by rules.priority
                        ) as place
                    from named
                    inner join
                        {{ ref("channel_groups") }} as rules
                        on rules.part = named.part
                        and named.name like rules.pattern
                ) as ranked
            where place = 1
        ),

        understood as (
            select
                origins.*,
                {% for part in parts %}
                    coalesce({{ part }}s.meaning, '') as {{ part }}_meaning{{ "," if not loop.last }}
                {% endfor %}
            from origins
            {% for part, column in parts.items() %}
                left join
                    meanings as {{ part }}s
                    on {{ part }}s.part = '{{ part }}'
                    and {{ part }}s.name = origins.{{ column }}
            {% endfor %}
        ),

        grouped as (
            select
                channel,
                traffic_source,
                traffic_medium,
                case
                    when channel_meaning <> ''
                    then channel_meaning
                    when traffic_source = '(direct)'
                    then 'Direct'
                    when
                        medium_meaning = 'paid_search'
                        or (medium_meaning = 'paid' and source_meaning = 'search')
                    then 'Paid Search'
                    when
                        medium_meaning = 'paid_social'
                        or (medium_meaning = 'paid' and source_meaning = 'social')
                    then 'Paid Social'
                    when
                        medium_meaning = 'paid_video'
                        or (medium_meaning = 'paid' and source_meaning = 'video')
                    then 'Paid Video'
                    when
                        medium_meaning = 'paid_shopping'
                        or (medium_meaning = 'paid' and source_meaning = 'shopping')
                    then 'Paid Shopping'
                    when medium_meaning = 'paid'
                    then 'Paid Other'
                    when medium_meaning = 'display' or source_meaning = 'ads'
                    then 'Display'
                    when medium_meaning = 'affiliates'
                    then 'Affiliates'
                    when medium_meaning = 'mail' or source_meaning = 'mail'
                    then 'Email'
                    when medium_meaning = 'sms'
                    then 'SMS'
                    when medium_meaning = 'push'
                    then 'Push'
                    when
                        medium_meaning = 'social'
                        or (medium_meaning in ('organic', 'referral') and source_meaning = 'social')
                    then 'Organic Social'
                    when
                        medium_meaning = 'video'
                        or (medium_meaning in ('organic', 'referral') and source_meaning = 'video')
                    then 'Organic Video'
                    when medium_meaning in ('organic', 'referral') and source_meaning = 'shopping'
                    then 'Organic Shopping'
                    when
                        medium_meaning = 'organic'
                        or (medium_meaning = 'referral' and source_meaning = 'search')
                    then 'Organic Search'
                    when medium_meaning = 'referral'
                    then 'Referral'
                    else 'Unassigned'
                end as channel_group
            from understood
        )

    select sourced.*, grouped.channel_group
    from sourced
    left join
        grouped
        on grouped.channel = coalesce(lower(sourced.channel), '')
        and grouped.traffic_source = sourced.traffic_source
        and grouped.traffic_medium = sourced.traffic_medium
{% endmacro %}
