-- name: close_links
-- Ends the current link of these children.
update links l set to_revision = :revision
from unnest(:relationships::text[], :children::text[]) as w (relationship, child)
cross join lateral (
    select ctid from links
    where tenant = :tenant and relationship = w.relationship and child = w.child and to_revision = :open limit 1) x
where l.ctid = x.ctid

-- name: close_listed_links
-- Ends the current links of these children to these parents, each child of which may have several.
update links l set to_revision = :revision
from unnest(:relationships::text[], :children::text[], :parents::text[]) as w (relationship, child, parent)
cross join lateral (
    select ctid from links
    where tenant = :tenant and relationship = w.relationship and child = w.child and to_revision = :open
      and many = w.parent
    limit 1) x
where l.ctid = x.ctid
