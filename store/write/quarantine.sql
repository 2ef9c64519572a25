-- name: lock_quarantine
-- Lets transactions that write the quarantine of a tenant come one after the other.
select pg_advisory_xact_lock(hashtextextended(format('quarantine %s', :tenant::text), 0))

-- name: keep_rejected
-- Adds rejected facts, each with how often it came; for one that is there already, adds that to its count. Of a fact whose
-- data was erased nothing is kept that its sender repeats. Returns the places of those that are not kept: beyond the
-- number, or the bytes, that are kept of their sender.
with given as materialized (
    select r.*, exists (select from quarantine q where q.tenant = :tenant and q.digest = r.digest offset 0) as known
    from unnest(:digests::bytea[], :sources::text[], :event_ids::text[], :types::text[], :codes::text[], :fields::text[],
                :reasons::text[], :raws::bytea[], :times::integer[], :actors::text[], :publishers::text[])
         with ordinality
         as r (digest, source, event_id, type, code, field, reason, raw, times, actor, publisher, place)
), counted as materialized (
    select g.*, count(*) filter (where not known) over w as events,
           sum(octet_length(raw)) filter (where not known) over w as bytes
    from given g
    window w as (partition by actor order by place rows unbounded preceding)
), fitting as materialized (
    select c.*, c.known or (c.events + coalesce(s.events, 0) <= :most_events::bigint
                            and c.bytes + coalesce(s.bytes, 0) <= :most_bytes::bigint) as kept
    from counted c
    left join quarantine_senders s on s.tenant = :tenant and s.actor = c.actor
), added as (
    insert into quarantine as q (tenant, digest, source, event_id, type, code, field, reason, raw, actor, publisher,
                                 first_received, received, times)
    select :tenant, r.digest, r.source, r.event_id, r.type, r.code, r.field, r.reason,
           case when exists (
               select from facts f
               where f.tenant = :tenant and f.source = r.source and f.id = r.event_id and f.emptied = 'erased' offset 0)
           then '' else r.raw end,
           r.actor, r.publisher, clock_timestamp(), clock_timestamp(), r.times
    from fitting r
    where r.kept
    order by r.place
    on conflict (tenant, digest) do update set times = q.times + excluded.times, received = excluded.received
), hours as (
    insert into quarantine_hours as h (tenant, type, code, field, hour, received)
    select :tenant, coalesce(left(type, 256), ''), code, field, date_trunc('hour', (select clock_timestamp())), sum(times)
    from fitting
    where kept
    group by 2, 3, 4, 5
    order by 2, 3, 4
    on conflict (tenant, type, code, field, hour) do update set received = h.received + excluded.received
), missed as (
    insert into quarantine_senders as s (tenant, actor, not_kept)
    select :tenant, actor, sum(times) from fitting where not kept group by actor order by actor
    on conflict (tenant, actor) do update set not_kept = s.not_kept + excluded.not_kept
)
select place::integer from fitting where not kept order by place
