-- name: keep_rejected
-- Adds rejected facts, each with how often it came; for one that is there already, adds that to its count. Of a fact whose
-- data was erased nothing is kept that its sender repeats.
insert into quarantine as q (tenant, digest, source, event_id, type, reason, raw, received, times)
select :tenant, r.digest, r.source, r.event_id, r.type, r.reason,
       case when exists (
           select from facts f
           where f.tenant = :tenant and f.source = r.source and f.id = r.event_id and f.emptied = 'erased' offset 0)
       then '' else r.raw end,
       clock_timestamp(), r.times
from unnest(:digests::bytea[], :sources::text[], :event_ids::text[], :types::text[], :reasons::text[], :raws::bytea[],
            :times::integer[])
     as r (digest, source, event_id, type, reason, raw, times)
on conflict (tenant, digest) do update set times = q.times + excluded.times, received = excluded.received

-- name: quarantine_page
-- A page of rejected facts, newest first: those before an id, up to the one whose bytes reach :room.
select id, source, event_id, type, reason, raw, received, times
from (
    select q.*, sum(octet_length(q.raw)) over (order by q.id desc rows unbounded preceding) - octet_length(q.raw) as before
    from (
        select id, source, event_id, type, reason, raw, received, times
        from quarantine
        where tenant = :tenant and id < :before
        order by id desc
        limit :size) q) w
where before < :room
order by id desc
