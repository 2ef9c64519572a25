-- Current links of many-to-many relationships, by one end or by both.

-- name: listed_links_of_children
-- All current links of these children.
select l.relationship, l.child, l.parent, l.of_former_incarnation as former, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :keys::text[]) as w (relationship, key)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = w.relationship and child = w.key and to_revision = :open offset 0) l

-- name: listed_links_of_parents
-- All current links of these parents.
select l.relationship, l.child, l.parent, l.of_former_incarnation as former, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :keys::text[]) as w (relationship, key)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = w.relationship and parent = w.key and to_revision = :open offset 0) l

-- name: listed_links
-- The current links of these children to these parents.
select l.relationship, l.child, l.parent, l.of_former_incarnation as former, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :children::text[], :parents::text[]) as w (relationship, child, parent)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = w.relationship and child = w.child and to_revision = :open
      and many = w.parent
    limit 1) l
