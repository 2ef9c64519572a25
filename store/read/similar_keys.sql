-- name: next_keys
-- For each of these seeks the first key of its kind from there on, and whether its entity is live. An entry of the index
-- is read for each: nothing else than the key decides which row is found.
select w.n::int as n, e.key, e.state = 'live' as live
from unnest(:kinds::text[], :seeks::text[]) with ordinality as w (kind, seek, n)
cross join lateral (
    select e.key, e.state from entities e
    where e.tenant = :tenant and e.kind = w.kind and e.key >= w.seek and e.to_revision = :open
    order by e.key limit 1) e
