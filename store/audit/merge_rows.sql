-- name: verify_merge_rows
-- Each merge of which a fact is recorded.
select id, kind, survivor, losers, reason, source, fact from merges where tenant = :tenant and fact is not null

-- name: verify_proofs
-- Each merge with a proof that was stored; erased: the data of some entity was erased since it was recorded.
select id, kind, survivor, losers, revision, proof,
       exists (select from facts f
               where f.tenant = :tenant and f.source = '/tether' and f.type = 'EntityErased.v1'
                 and f.revision > merges.revision) as erased
from merges
where tenant = :tenant and proof is not null
order by id
