-- name: versions_ended
-- The versions of these entities that ended, each at a revision. erased: by an erasure, which has emptied them as well.
select w.kind, w.key, w.revision, e.state, e.data,
       exists (select from erasures x
               where x.tenant = :tenant and x.kind = w.kind and x.key = w.key and x.revision = w.revision offset 0) as erased
from unnest(:kinds::text[], :keys::text[], :revisions::bigint[]) as w (kind, key, revision)
cross join lateral (
    select state, data from entities
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = w.revision limit 1) e
