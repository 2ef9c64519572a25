-- name: quarantine_page
-- A page of quarantined events, newest first: those before an id, up to the one whose bytes reach :room.
select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times
from (
    select q.*, sum(octet_length(q.raw)) over (order by q.id desc rows unbounded preceding) - octet_length(q.raw) as before
    from (
        select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times
        from quarantine
        where tenant = :tenant and id < :before
        order by id desc
        limit :size) q) w
where before < :room
order by id desc

-- name: quarantine_of_cause
-- The same of one cause.
select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times
from (
    select q.*, sum(octet_length(q.raw)) over (order by q.id desc rows unbounded preceding) - octet_length(q.raw) as before
    from (
        select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times,
               cause_type
        from quarantine
        where tenant = :tenant and (cause_type, code, field, id) < (:type, :code, :field, :before)
        order by cause_type desc, code desc, field desc, id desc
        limit :size) q
    where q.cause_type = :type and q.code = :code and q.field = :field) w
where before < :room
order by id desc

-- name: quarantine_filtered
-- Of so many quarantined events before an id, newest first, up to :size that a filter lets pass, up to the one whose bytes
-- reach :room; and the last that was read, whether it passes or not.
select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times
from (
    select q.*, count(*) filter (where q.passes) over w as passed,
           coalesce(sum(octet_length(q.raw)) filter (where q.passes) over w, 0)
               - case when q.passes then octet_length(q.raw) else 0 end as before,
           q.id = min(q.id) over () as last
    from (
        select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times,
               (cause_type = :type or :type::text is null) and (code = :code or :code::text is null)
               and (field = :field or :field::text is null) and (source = :source or :source::text is null)
               and (actor = :actor or :actor::text is null) as passes
        from quarantine
        where tenant = :tenant and id < :before
        order by id desc
        limit :scanned) q
    window w as (order by q.id desc rows unbounded preceding)) r
where before < :room and passed <= :size and (passes or last)
order by id desc

-- name: quarantined_event
-- One quarantined event.
select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times
from quarantine where tenant = :tenant and id = :id

-- name: quarantine_groups_page
-- Of so many causes of quarantined events, up to :size that a filter lets pass; and the last that was read, whether it
-- passes or not.
select type, code, field, events, bytes, first_seen, last_seen, passes
from (
    select g.*, count(*) filter (where g.passes) over (order by g.type, g.code, g.field rows unbounded preceding) as passed,
           row_number() over (order by g.type, g.code, g.field) = count(*) over () as last
    from (
        select type, code, field, events, bytes, first_seen, last_seen,
               (type = :type or :type::text is null) and (code = :code or :code::text is null)
               and (field = :field or :field::text is null) as passes
        from quarantine_groups
        where tenant = :tenant and (type, code, field) > (:after_type, :after_code, :after_field)
        order by type, code, field
        limit :scanned) g) r
where passed <= :size and (passes or last)
order by type, code, field

-- name: quarantine_trends
-- How many events of some causes were received in each of the last hours of the clock.
select c.place::integer, h.hours_ago, h.received
from unnest(:types::text[], :codes::text[], :fields::text[]) with ordinality as c (type, code, field, place)
cross join lateral (
    select (extract(epoch from (select date_trunc('hour', clock_timestamp())) - hour) / 3600)::integer as hours_ago, received
    from quarantine_hours
    where tenant = :tenant and type = c.type and code = c.code and field = c.field
      and hour > (select date_trunc('hour', clock_timestamp())) - :hours::integer * interval '1 hour'
    offset 0) h
order by c.place

-- name: quarantine_samples
-- The newest events of some causes.
select c.place::integer, q.id, q.source, q.event_id, q.reason
from unnest(:types::text[], :codes::text[], :fields::text[]) with ordinality as c (type, code, field, place)
cross join lateral (
    select id, source, event_id, reason, cause_type, code, field from quarantine
    where tenant = :tenant and (cause_type, code, field, id) < (c.type, c.code, c.field, :open)
    order by cause_type desc, code desc, field desc, id desc
    limit :size) q
where q.cause_type = c.type and q.code = c.code and q.field = c.field
order by c.place, q.id desc
