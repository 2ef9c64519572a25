-- name: verify_merge_rows
-- Each merge of which a fact is recorded.
select id, kind, survivor, losers, reason, source, fact from merges where tenant = :tenant and fact is not null

-- name: verify_proofs
-- Each merge with a proof that was stored.
select id, kind, survivor, losers, revision, proof
from merges
where tenant = :tenant and proof is not null
order by id
