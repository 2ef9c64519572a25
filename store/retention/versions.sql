-- Deletes, some rows at a time, what ended after one revision and not after the horizon. Rows that are locked are left for
-- the next pass: nothing waits for these transactions, and they wait for nothing.

-- name: trim_entities
-- Deletes versions of entities.
with ended as materialized (
    select ctid from entities
    where tenant = :tenant and to_revision > :after and to_revision <= :horizon and to_revision < :open
    limit :size
    for update skip locked
), gone as (delete from entities e using ended x where e.ctid = x.ctid returning 1)
select count(*) from gone

-- name: trim_links
-- Deletes links, except those of some relationships.
with ended as materialized (
    select ctid from links
    where tenant = :tenant and to_revision > :after and to_revision <= :horizon and to_revision < :open
      and relationship <> all(:requested::text[])
    limit :size
    for update skip locked
), gone as (delete from links l using ended x where l.ctid = x.ctid returning 1)
select count(*) from gone

-- name: trim_requested_links
-- Of the next :size links of relationships in which a child is requested for its parent, deletes those that nothing needs.
-- The last one of a parent that ended stays, since the next request is named by it, and those that the present one
-- continues, since it is announced once; both for live parents only. Returns the last of the :size, and how many are gone.
-- Revisions are compared as expressions, so that the indexes on them are not taken.
with ended as materialized (
    select ctid, relationship, child, parent, to_revision from links
    where tenant = :tenant and to_revision >= :after and to_revision <= :horizon and to_revision < :open
      and (to_revision, relationship, child) > (:after, :after_relationship, :after_child)
      and relationship = any(:requested::text[])
    order by to_revision, relationship, child
    limit :size
), kept as (
    select x.ctid
    from ended x
    join unnest(:requested::text[], :parent_kinds::text[]) as r (name, kind) on r.name = x.relationship
    cross join lateral (
        select from entities e
        where e.tenant = :tenant and e.kind = r.kind and e.key = x.parent and e.to_revision = :open and e.state = 'live'
        limit 1) p
    where not exists (
              select from links n
              where n.tenant = :tenant and n.relationship = x.relationship and n.parent = x.parent
                and n.to_revision + 0 > x.to_revision and n.to_revision + 0 < :open offset 0)
       or exists (
              select from links n
              where n.tenant = :tenant and n.relationship = x.relationship and n.child = x.child
                and n.to_revision > x.to_revision and n.from_revision + 0 = x.to_revision and n.parent = x.parent offset 0)
), gone as (
    delete from links l using ended x
    where l.ctid = x.ctid and not exists (select from kept k where k.ctid = x.ctid)
    returning 1
), last as (select to_revision, relationship, child from ended order by 1 desc, 2 desc, 3 desc limit 1)
select l.to_revision as revision, l.relationship, l.child, (select count(*) from gone) as deleted from last l

-- name: trim_aliases
-- Deletes aliases, except those that their keys had when they were deleted: by them, what was theirs is known to stay.
with ended as materialized (
    select a.ctid from aliases a
    where a.tenant = :tenant and a.to_revision > :after and a.to_revision <= :horizon and a.to_revision < :open
      and not exists (
          select from facts f
          where f.tenant = :tenant and f.kind = a.kind and f.key = a.key and f.type = any(:deletions::text[])
            and f.revision + 0 between a.from_revision and a.to_revision - 1 offset 0)
    limit :size
    for update skip locked
), gone as (delete from aliases a using ended x where a.ctid = x.ctid returning 1)
select count(*) from gone

-- name: trim_revisions
-- Deletes when, and by whom, revisions were written, from the oldest on.
with old as materialized (
    select ctid from revisions
    where tenant = :tenant and revision >= 0 and revision < :first
    order by revision
    limit :size
    for update skip locked
), gone as (delete from revisions r using old x where r.ctid = x.ctid returning 1)
select count(*) from gone

-- name: begin_pass
-- The revision after which versions have ended that were not looked at yet; once a day 0, for what was left.
update horizons
set versions_trimmed = case when pass_began < clock_timestamp() - interval '1 day' then 0 else versions_trimmed end,
    pass_began = case when pass_began < clock_timestamp() - interval '1 day' then clock_timestamp() else pass_began end
where tenant = :tenant
returning versions_trimmed

-- name: end_pass
-- Remembers that all versions that ended at the horizon or before were looked at.
update horizons set versions_trimmed = greatest(versions_trimmed, :horizon) where tenant = :tenant
