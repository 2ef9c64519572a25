-- name: keep_rejected
-- Keeps facts that could not be taken; the same again is counted.
insert into quarantine as q (tenant, digest, source, event_id, type, reason, raw, received)
select $1, r.digest, r.source, r.event_id, r.type, r.reason, r.raw, now()
from unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
     as r (digest, source, event_id, type, reason, raw)
on conflict (tenant, digest) do update set times = q.times + 1, received = excluded.received

-- name: quarantine_page
-- Facts that could not be taken, newest first.
select id, source, event_id, type, reason, raw, received, times
from quarantine
where tenant = $1 and ($2::bigint is null or id < $2)
order by id desc
limit $3
