-- name: first_request_bodies
-- The body that was stored first under each Idempotency-Key; new: none was, so the given one is stored now (a row that
-- was inserted, not updated, has xmax 0). The commit does not wait for the disk: what a crash of the server loses
-- matters only if the owner's reply is lost and the entity changes as well.
insert into request_bodies (tenant, idempotency_key, fields, cause)
select :tenant, w.key, w.fields::json, w.cause
from unnest(:keys::text[], :fields::text[], :causes::text[]) as w (key, fields, cause)
cross join (select set_config('synchronous_commit', 'off', true)) as here
on conflict (tenant, idempotency_key) do update set idempotency_key = excluded.idempotency_key
returning idempotency_key, fields, xmax = 0 as new

-- name: delete_request_bodies
-- Deletes stored bodies of requests that were never sent.
delete from request_bodies where tenant = :tenant and idempotency_key = any(:keys::text[])
