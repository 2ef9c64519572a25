-- name: resolve_key
-- The survivor of a key at a revision, which is the key itself if it is not merged; and the keys that are merged into the
-- survivor, by key, each with the revision since which it is. One row without a key if there is none.
select s.survivor, l.key, l.from_revision
from (select coalesce(
          (select survivor from aliases
           where tenant = :tenant and kind = :kind and key = :key
             and to_revision > :revision and from_revision <= :revision
           order by to_revision limit 1),
          :key) as survivor) s
left join lateral (
    select key, from_revision from aliases
    where tenant = :tenant and kind = :kind and survivor = s.survivor
      and to_revision > :revision and from_revision <= :revision offset 0) l on true
order by l.key

-- name: records_at
-- The versions of entities of one kind that are valid at a revision.
select e.key, e.state, e.data, e.latest, e.older, e.from_revision
from unnest(:keys::text[]) as w (key)
cross join lateral (
    select * from entities
    where tenant = :tenant and kind = :kind and key = w.key and to_revision > :revision and from_revision <= :revision
    order by to_revision limit 1) e
