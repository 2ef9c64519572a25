-- name: first_wordings
-- What was asked first under each of these keys; for those that are new, what is given.
insert into wordings
select $1, w.key, w.fields::json from unnest($2::text[], $3::text[]) as w (key, fields)
on conflict (tenant, idempotency_key) do update set idempotency_key = excluded.idempotency_key
returning idempotency_key, fields
