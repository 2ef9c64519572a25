-- name: lock_erasures
-- Lets requests about one entity come one after the other.
select pg_advisory_xact_lock(hashtextextended(format('erasure %s %s %s', :tenant::text, :kind::text, :key::text), 0))

-- name: erasure_by_key
-- The erasure that a caller's Idempotency-Key stands for.
select id, request_digest from erasures
where tenant = :tenant and actor = :actor and idempotency_key = :idempotency_key and idempotency_key is not null

-- name: is_known
-- Whether anything is recorded about an entity: facts, a placeholder, or activity.
select exists (select from facts where tenant = :tenant and kind = :kind and key = :key)
    or exists (select from entities where tenant = :tenant and kind = :kind and key = :key)
    or exists (select from activities where tenant = :tenant and kind = :kind and key = :key)

-- name: erasure_to_begin
-- The erasure of an entity that was not begun yet: facts after its beginning are not erased.
select id from erasures
where tenant = :tenant and kind = :kind and key = :key and state = 'requested' and rewrite = :rewrite
order by requested_at desc
limit 1

-- name: add_erasure
-- Adds a request to erase an entity.
insert into erasures (tenant, kind, key, reason, rewrite, actor, idempotency_key, request_digest, owner, command,
                      owner_state)
values (:tenant, :kind, :key, :reason, :rewrite, :actor, :idempotency_key, :digest, :owner, :command, :owner_state)
returning id

-- name: erasure
-- One erasure.
select tenant, id, kind, key, state, reason, actor, requested_at, position, revision, erased_at, rows, owner, command,
       owner_state, owner_error, owner_at, rewrite, vacuumed_at, ended_at, rewritten
from erasures where tenant = :tenant and id = :id

-- name: erasures_of_entity
-- The newest erasures of an entity.
select tenant, id, kind, key, state, reason, actor, requested_at, position, revision, erased_at, rows, owner, command,
       owner_state, owner_error, owner_at, rewrite, vacuumed_at, ended_at, rewritten
from erasures
where tenant = :tenant and kind = :kind and key = :key
order by requested_at desc
limit 10

-- name: count_erased
-- Adds to the rows of a table that an erasure has emptied.
update erasures
set rows = rows || jsonb_build_object(:what::text, coalesce((rows ->> :what::text)::bigint, 0) + :rows::bigint)
where tenant = :tenant and id = :id

-- name: owner_answered
-- Records what the owner replied, without its words: they may repeat what was erased.
update erasures
set owner_state = :state, owner_error = regexp_replace(:error, '(refused with [0-9]+): .*$', '\1'),
    owner_at = clock_timestamp()
where tenant = :tenant and id = :id

-- name: end_erasure
-- Records that nothing is left to do.
update erasures set state = 'done', ended_at = coalesce(ended_at, clock_timestamp())
where tenant = :tenant and id = :id

-- name: claim_erasures
-- Claims erasures whose workflows are to be started, for one dispatcher. One that does not end is due again in a minute.
update erasures e set next_run = clock_timestamp() + interval '1 minute'
from (select tenant, id from erasures
      where state <> 'done' and next_run <= clock_timestamp()
      order by next_run
      limit 100
      for update skip locked) c
where e.tenant = c.tenant and e.id = c.id
returning e.tenant, e.id
