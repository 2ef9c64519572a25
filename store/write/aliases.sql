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
-- The current links to these parents by one of these relationships: every one by those that are exclusive, by others those
-- that name one of the stated keys as their parent.
select relationship, child, parent, rank, stated_child, stated_parent
from links
where tenant = :tenant and relationship = any(:relationships::text[]) and parent = any(:parents::text[])
  and to_revision = :open
  and (relationship = any(:exclusive::text[])
       or coalesce(stated_parent, parent) in (select key from unnest(:stated::text[]) as s (key)))

-- name: links_of_children
-- The current links of these children.
select w.relationship, w.child, l.parent, l.rank, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :children::text[]) as w (relationship, child)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = w.relationship and child = w.child and to_revision = :open limit 1) l

-- name: linked_records
-- Those of these keys whose record names a parent, or may have named one in a life that has ended; and those that have
-- a link as a child. fields: those that hold references. alone: keys that are in no cluster until now, as of which a live
-- record has a link if it names a parent; merged: all others.
select key
from entities
where tenant = :tenant and kind = :kind and key = any(:alone::text[]) and to_revision = :open
  and state = 'deleted' and state <> 'live'
union all
select e.key
from unnest(:merged::text[]) as w (key)
cross join lateral (
    select key, state, refs, data from entities
    where tenant = :tenant and kind = :kind and key = w.key and to_revision = :open limit 1) e
where e.state = 'deleted' or e.refs is not null
   or exists (select from unnest(:fields::text[]) as f (name) where e.data ->> f.name is not null)
union all
select child
from links
where tenant = :tenant and relationship = any(:relationships::text[])
  and child = any(:alone::text[] || :merged::text[]) and to_revision = :open
