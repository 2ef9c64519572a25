-- name: links_of_members
-- The links of these survivors as children.
select l.relationship, l.child as survivor, coalesce(l.stated_child, l.child) as stated, l.parent as other
from unnest(:relationships::text[]) as r (name)
cross join unnest(:survivors::text[]) as w (key)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = r.name and child = w.key and to_revision = :open limit 1) l

-- name: only_children_of_members
-- The child that holds the link of each of these survivors by a one-to-one relationship.
select l.relationship, l.parent as survivor, coalesce(l.stated_parent, l.parent) as stated, l.child as other
from unnest(:relationships::text[]) as r (name)
cross join unnest(:survivors::text[]) as w (key)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = r.name and parent = w.key and to_revision = :open
      and not of_former_incarnation
    order by rank, child limit 1) l
