-- name: clusters_at
-- All keys of the entities that these keys stand for at a revision, each with its survivor.
with survivors as (
    select distinct coalesce(a.survivor, w.key) as key
    from unnest(:keys::text[]) as w (key)
    left join lateral (
        select survivor from aliases
        where tenant = :tenant and kind = :kind and key = w.key and to_revision > :revision and from_revision <= :revision
        order by to_revision limit 1) a on true
)
select key, key as survivor from survivors
union all
select a.key, s.key
from survivors s
cross join lateral (
    select key from aliases
    where tenant = :tenant and kind = :kind and survivor = s.key
      and to_revision > :revision and from_revision <= :revision offset 0) a

-- name: is_merge_alone
-- Whether a revision has no other facts than those of one merge, recorded by Tether.
select r.facts = (select count(*) from facts f
                  where f.tenant = :tenant and f.revision = :revision and f.source = '/tether'
                    and f.type in ('Merged.v1', 'Unmerged.v1'))
from revisions r
where r.tenant = :tenant and r.revision = :revision

-- name: sums_of_link_data
-- The links of others to these members, by the member that was stated: how many, and the sums of the halves of the hash
-- of each with the data of its child.
select s.origin, count(*) as count,
       sum(('x' || encode(substr(s.hash, 1, 8), 'hex'))::bit(64)::bigint) as high,
       sum(('x' || encode(substr(s.hash, 9, 8), 'hex'))::bit(64)::bigint) as low
from (
    select t.origin, sha256(convert_to(row(r.name, t.child, t.origin, e.data::jsonb)::text, 'UTF8')) as hash
    from unnest(:relationships::text[], :child_kinds::text[]) as r (name, child_kind)
    cross join unnest(:survivors::text[]) as w (key)
    cross join lateral (
        select child, stated_child, stated_parent from links
        where tenant = :tenant and relationship = r.name and parent = w.key
          and to_revision > :revision and from_revision <= :revision offset 0) l
    cross join lateral (
        select coalesce(l.stated_parent, w.key) as origin, coalesce(l.stated_child, l.child) as child) t
    left join lateral (
        select data from entities
        where tenant = :tenant and kind = r.child_kind and key = t.child
          and to_revision > :revision and from_revision <= :revision
        order by to_revision limit 1) e on true
    where not (r.child_kind = :kind and t.child = any(:members::text[]))) s
group by s.origin
