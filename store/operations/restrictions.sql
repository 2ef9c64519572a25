-- name: restrictions
-- A link that restricts its deletion, or that of what would be deleted with it, for each of these that has one.
select w.key, r.relationship, r.child, r.parent
from unnest($3::text[]) as w (key)
cross join lateral (
    select c.relationship, c.child, c.parent
    from concerned_by_deletion($1, $2, w.key, :open - 1, $4, $5, $6, $7) c
    join unnest($4::text[], $7::text[]) as p (name, policy) on p.name = c.relationship and p.policy = 'restrict'
    limit 1) r
