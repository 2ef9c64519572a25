-- name: holders
-- Who has the right to a parent that may have one child: the first by rank and key, of those valid at a revision.
select w.n::int as n, l.child, l.from_revision, l.to_revision
from unnest($2::text[], $3::text[], $4::bigint[]) with ordinality as w (relationship, parent, at, n)
cross join lateral (
    select child, from_revision, to_revision from links
    where tenant = $1 and relationship = w.relationship and parent = w.parent
      and to_revision > w.at and from_revision + 0 <= w.at -- an expression, so that its index is not taken
    order by rank, child
    limit 1) l
