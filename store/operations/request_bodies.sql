-- name: first_wordings
-- What was asked first under each of these keys; for those that are new (not updated: xmax), what is given. The owner is asked at once, and
-- the disk not waited for: what a dead server forgets matters only if the answer is lost and the entity changes as well.
insert into request_bodies
select $1, w.key, w.fields::json
from unnest($2::text[], $3::text[]) as w (key, fields)
cross join (select set_config('synchronous_commit', 'off', true)) as here
on conflict (tenant, idempotency_key) do update set idempotency_key = excluded.idempotency_key
returning idempotency_key, fields, xmax = 0 as new

-- name: forget_wordings
-- They were never said to anybody.
delete from request_bodies where tenant = $1 and idempotency_key = any($2::text[])
