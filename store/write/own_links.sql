-- name: own_links_at
-- The links of these survivors as children at a revision.
select l.relationship, coalesce(l.stated_child, l.child) as child, coalesce(l.stated_parent, l.parent) as parent,
       l.parent as linked
from unnest(:relationships::text[]) as r (name)
cross join unnest(:survivors::text[]) as w (key)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = r.name and child = w.key
      and to_revision > :revision and from_revision <= :revision
    order by to_revision limit 1) l
order by 1, 2, 3

-- name: are_live_at
-- Whether all of these entities are live at a revision.
select count(*) = cardinality(:keys::text[])
from unnest(:keys::text[]) as w (key)
cross join lateral (
    select state from entities
    where tenant = :tenant and kind = :kind and key = w.key and to_revision > :revision and from_revision <= :revision
    order by to_revision limit 1) e
where e.state = 'live'
