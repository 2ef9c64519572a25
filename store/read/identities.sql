-- name: survivor_at
-- The survivor of a key that is merged into another one at a revision.
select survivor
from aliases
where tenant = :tenant and kind = :kind and key = :key and to_revision > :revision and from_revision <= :revision
order by to_revision
limit 1

-- name: losers_at
-- The keys that are merged into one at a revision, by key.
select key
from aliases
where tenant = :tenant and kind = :kind and survivor = :survivor
  and to_revision > :revision and from_revision <= :revision
order by key
