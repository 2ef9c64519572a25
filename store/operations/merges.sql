-- name: add_merge
-- Adds a merge that was requested and has no facts yet.
insert into merges (tenant, id, kind, survivor, losers, reason, created_at)
values (:tenant, :id, :kind, :survivor, :losers, :reason, :now)

-- name: merge
-- One merge.
select id, kind, survivor, losers, reason, created_at, source, fact, revision, proof
from merges
where tenant = :tenant and id = :id

-- name: merges_of_operation
-- The merges that an operation carries out: that with its id, or those of one request.
select id, kind, survivor, losers, reason, created_at, source, fact, revision, proof
from merges
where tenant = :tenant and id = :operation
union all
select id, kind, survivor, losers, reason, created_at, source, fact, revision, proof
from merges
where tenant = :tenant and operation = :operation
order by id

-- name: name_operation_of_merges
-- Stores the operation of merges that were recorded.
update merges m set operation = :operation
from unnest(:ids::text[]) as w (id)
where m.tenant = :tenant and m.id = w.id

-- name: new_aliases
-- The keys that a revision has made aliases, and that were none before.
select a.key, a.survivor
from aliases a
where a.tenant = :tenant and a.from_revision = :revision and a.kind = :kind
  and not exists (select from aliases b
                  where b.tenant = :tenant and b.kind = :kind and b.key = a.key and b.to_revision = :revision offset 0)

-- name: store_proofs
-- Stores what merges have conserved.
update merges m set proof = w.proof::jsonb
from unnest(:ids::text[], :proofs::text[]) as w (id, proof)
where m.tenant = :tenant and m.id = w.id
