-- name: current_aliases
-- The survivors of these keys, of those that are merged into another one.
select a.kind, a.key, a.survivor
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select * from aliases
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) a

-- name: current_losers
-- The keys that are merged into these.
select w.kind, a.key, w.key as survivor
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select key from aliases
    where tenant = :tenant and kind = w.kind and survivor = w.key and to_revision = :open offset 0) a

-- name: close_aliases
-- Ends the current aliases of these keys.
update aliases a set to_revision = :revision
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
cross join lateral (
    select ctid from aliases
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision = :open limit 1) x
where a.ctid = x.ctid

-- name: links_of_parents
-- The current links to these parents: every one, or those that name one of the stated keys as their parent.
select w.relationship, l.child, w.parent, l.rank, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :parents::text[], :every::boolean[]) as w (relationship, parent, every)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = w.relationship and parent = w.parent and to_revision = :open
      and (w.every or coalesce(stated_parent, w.parent) = any(:stated::text[])) offset 0) l

-- name: links_of_children
-- The current links of these children.
select w.relationship, w.child, l.parent, l.rank, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :children::text[]) as w (relationship, child)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = w.relationship and child = w.child and to_revision = :open limit 1) l

-- name: linked_records
-- Those of these keys whose record names a parent, or may have named one in a life that has ended; and those that have
-- a link as a child. fields: those that hold references. alone: of keys that are in no cluster until now, as of which
-- a live record has a link if it names a parent.
select w.key
from unnest(:keys::text[], :alone::boolean[]) as w (key, alone)
cross join lateral (
    select state, refs, data from entities
    where tenant = :tenant and kind = :kind and key = w.key and to_revision = :open limit 1) e
where e.state = 'deleted' or e.refs is not null
   or not w.alone and exists (select from unnest(:fields::text[]) as f (name) where e.data ->> f.name is not null)
union all
select w.key
from unnest(:keys::text[]) as w (key)
cross join unnest(:relationships::text[]) as r (name)
cross join lateral (
    select from links
    where tenant = :tenant and relationship = r.name and child = w.key and to_revision = :open limit 1) l
