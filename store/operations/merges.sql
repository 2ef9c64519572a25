-- name: add_merge
-- Adds a merge that was requested and has no facts yet.
insert into merges (tenant, id, kind, survivor, losers, reason, created_at)
values (:tenant, :id, :kind, :survivor, :losers, :reason, :now)

-- name: merge
-- One merge.
select id, kind, survivor, losers, reason, created_at, source, fact, revision, proof
from merges
where tenant = :tenant and id = :id

-- name: store_proof
-- Stores what a merge has conserved.
update merges set proof = :proof where tenant = :tenant and id = :id
