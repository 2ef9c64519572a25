-- What changed, read from the tables themselves: every version carries the revisions at which it began and ended.
-- Each query reads a window of revisions (:first to :last) with a bounded number of facts, in the order of the feed,
-- after the keys of an item of the first revision. A relationship or kind is compared as an expression (|| '') so that
-- PostgreSQL uses the index on revisions, which alone leads to few rows, and none on relationships or kinds.

-- name: feed_entities
-- Versions of entities that began, without placeholders, up to the one whose data reaches :room bytes; and entities whose
-- last version ended, since all of their facts are void: as unknown, whether a placeholder is left of them or nothing. The
-- size of data that is not compressed is known without reading it.
select revision, kind, key, state, data, size
from (
    select v.*, sum(v.size) over (order by v.revision, v.kind, v.key rows unbounded preceding) - v.size as before
    from (
        (select from_revision as revision, kind, key, state, data,
                case when state <> 'live' then 0
                     when pg_column_compression(data) is null then pg_column_size(data)
                     else octet_length(data::text) end as size
         from entities
         where tenant = :tenant and from_revision between :first and :last and state <> 'unknown'
           and (:only_kind::text is null or kind = :only_kind)
           and (from_revision, kind, key) > (:first, :after_kind, :after_key)
         order by from_revision, kind, key
         limit :size)
        union all
        (select g.revision, g.kind, g.key, 'unknown', '{}'::json, 0
         from (
             select distinct f.revision, f.kind, f.key
             from facts f
             where f.tenant = :tenant and f.revision between :first and :last
               and f.source = '/tether' and f.type = 'FactVoided.v1'
               and (:only_kind::text is null or f.kind = :only_kind)
               and (f.revision, f.kind, f.key) > (:first, :after_kind, :after_key)) g
         cross join lateral (
             select from entities e
             where e.tenant = :tenant and e.kind = g.kind and e.key = g.key and e.to_revision = g.revision
               and e.state <> 'unknown' limit 1) was
         left join lateral (
             select e.from_revision, e.state from entities e
             where e.tenant = :tenant and e.kind = g.kind and e.key = g.key and e.to_revision > g.revision
             order by e.to_revision limit 1) n on true
         where n.from_revision is distinct from g.revision or n.state = 'unknown'
         order by g.revision, g.kind, g.key
         limit :size)
        order by revision, kind, key
        limit :size) v) w
where before < :room
order by revision, kind, key

-- name: feed_links
-- Links that began, with the parent of the link that the same child had until then; and links that ended without a
-- successor. Of a many-to-many link `many` is the parent, and only a link to the same parent takes its place.
select c.revision, c.relationship, c.child, c.parent, c.many, c.began, o.parent as previous_parent, c.stated_child,
       c.stated_parent,
       case when c.former then 'deleted' else p.state end as parent_state
from (
    select b.*
    from (
        select l.from_revision as revision, l.relationship, l.child, l.parent, l.many, true as began,
               l.of_former_incarnation as former, l.stated_child, l.stated_parent
        from links l
        where l.tenant = :tenant and l.from_revision between :first and :last
        union all
        select l.to_revision, l.relationship, l.child, l.parent, l.many, false, false, l.stated_child, l.stated_parent
        from links l
        left join lateral (
            select n.from_revision from links n
            where n.tenant = :tenant and n.relationship = l.relationship and n.child = l.child
              and n.to_revision > l.to_revision and n.many = l.many
            order by n.to_revision limit 1) n on true
        where l.tenant = :tenant and l.to_revision between :first and :last and l.to_revision < :open
          and n.from_revision is distinct from l.to_revision) b
    where b.relationship || '' = any(:relationships::text[])
      and (b.revision, b.relationship, b.child, b.many) > (:first, :after_relationship, :after_child, :after_many)
    order by b.revision, b.relationship, b.child, b.many
    limit :size) c
left join unnest(:relationships::text[], :element_kinds::text[], :parent_lists::boolean[])
    as r (name, element_kind, parent_lists) on r.name = c.relationship
left join lateral (
    select l.parent, l.to_revision from links l
    where l.tenant = :tenant and l.relationship = c.relationship and l.child = c.child and l.to_revision >= c.revision
      and l.many = c.many
    order by l.to_revision limit 1) o on c.began and o.to_revision = c.revision
left join lateral (
    select e.state from entities e
    where e.tenant = :tenant and e.kind = r.element_kind
      and e.key = case when r.parent_lists then c.child else c.parent end
      and e.to_revision > c.revision and e.from_revision <= c.revision
    order by e.to_revision limit 1) p on c.began
order by c.revision, c.relationship, c.child, c.many

-- name: feed_claims
-- Parents that may have one child only, of which a link began or ended while they were live, before and after.
select t.relationship, t.parent, t.revision
from (
    select l.from_revision as revision, l.relationship, l.parent from links l
    where l.tenant = :tenant and l.from_revision between :first and :last
      and l.relationship || '' = any(:relationships::text[])
    union
    select l.to_revision, l.relationship, l.parent from links l
    where l.tenant = :tenant and l.to_revision between :first and :last and l.to_revision < :open
      and l.relationship || '' = any(:relationships::text[])) t
join unnest(:relationships::text[], :parent_kinds::text[]) as r (name, parent_kind) on r.name = t.relationship
cross join lateral (
    select e.state, e.from_revision from entities e
    where e.tenant = :tenant and e.kind = r.parent_kind and e.key = t.parent
      and e.to_revision > t.revision and e.from_revision <= t.revision
    order by e.to_revision limit 1) now
left join lateral (
    select e.state, e.to_revision from entities e
    where e.tenant = :tenant and e.kind = r.parent_kind and e.key = t.parent and e.to_revision >= t.revision
    order by e.to_revision limit 1) was on was.to_revision = t.revision
where now.state = 'live' and (now.from_revision < t.revision or was.state = 'live')
order by t.revision, t.relationship, t.parent

-- name: feed_parents
-- Entities whose state changed, and that children may have referred to before.
select e.from_revision as revision, e.kind, e.key, e.state
from entities e
cross join lateral (
    select o.state, o.to_revision from entities o
    where o.tenant = :tenant and o.kind = e.kind and o.key = e.key and o.to_revision >= e.from_revision
    order by o.to_revision limit 1) was
where e.tenant = :tenant and e.from_revision between :first and :last and e.kind || '' = any(:kinds::text[])
  and was.to_revision = e.from_revision and was.state <> e.state

-- name: feed_facts
-- Facts that Tether published itself, without explicit links: those appear as the changes of links. Of a kind: that
-- entities were erased.
select revision, position, source, id, type, key, sequence, time, data, correlation, causation, traceparent, extensions
from facts
where tenant = :tenant and revision between :first and :last
  and source = '/tether' and type not in ('Linked.v1', 'Unlinked.v1')
  and (:only_relationship::text is null and :only_kind::text is null or data->>'relationship' = :only_relationship
       or kind = :only_kind and type = 'EntityErased.v1')
  and (revision, position) > (:first, :after_position)
order by revision, position
limit :size

-- name: feed_merges
-- Keys that were merged into a survivor, with the one that they were merged into until then; and keys that ceased to be
-- merged, without a survivor.
select c.revision, c.kind, c.key, c.survivor, c.previous
from (
    (select a.from_revision as revision, a.kind, a.key, a.survivor, p.survivor as previous
    from aliases a
    left join lateral (
        select survivor from aliases
        where tenant = :tenant and kind = a.kind and key = a.key and to_revision = a.from_revision limit 1) p on true
    where a.tenant = :tenant and a.from_revision between :first and :last offset 0)
    union all
    (select a.to_revision, a.kind, a.key, null, a.survivor
    from aliases a
    left join lateral (
        select n.from_revision from aliases n
        where n.tenant = :tenant and n.kind = a.kind and n.key = a.key and n.to_revision > a.to_revision
        order by n.to_revision limit 1) n on true
    where a.tenant = :tenant and a.to_revision between :first and :last and a.to_revision < :open
      and n.from_revision is distinct from a.to_revision offset 0)) c
where (:only_kind::text is null or c.kind = :only_kind)
  and (c.revision, c.kind, c.key) > (:first, :after_kind, :after_key)
order by c.revision, c.kind, c.key
limit :size

-- name: survivors_at_revisions
-- The survivors of these keys, each at a revision, of those that were merged then.
select w.kind, w.key, w.revision, a.survivor
from unnest(:kinds::text[], :keys::text[], :revisions::bigint[]) as w (kind, key, revision)
cross join lateral (
    select survivor, from_revision from aliases
    where tenant = :tenant and kind = w.kind and key = w.key and to_revision > w.revision
    order by to_revision limit 1) a
where a.from_revision <= w.revision

-- name: feed_activity
-- Activity that was recorded, and activity that was voided, up to the item whose data reaches :room bytes; with the
-- survivor of the entity that it is about, if that is merged into another one at that revision. What was voided in the
-- revision that recorded it never was.
select revision, position, recorded, feed, about_kind, about_key, replaced_by, happened, happened_nanoseconds, source, id,
       type, key, sequence, time, data, correlation, causation, traceparent, extensions, size
from (
    select c.revision, c.position, c.recorded, c.feed, c.kind as about_kind, c.key as about_key, m.survivor as replaced_by,
           c.happened, c.happened_nanoseconds, c.source, c.id, c.type, f.key, f.sequence, f.time, f.data, f.correlation,
           f.causation, f.traceparent, f.extensions, z.size,
           sum(z.size) over (order by c.revision, c.position rows unbounded preceding) - z.size as before
    from (
        select b.*
        from (
            select a.from_revision as revision, true as recorded, a.* from activities a
            where a.tenant = :tenant and a.from_revision between :first and :last
              and (a.from_revision, a.position) > (:first, :after_position)
            union all
            select a.to_revision, false, a.* from activities a
            where a.tenant = :tenant and a.to_revision between :first and :last and a.to_revision < :open
              and (a.to_revision, a.position) > (:first, :after_position)) b
        where (:only_kind::text is null or b.kind || '' = :only_kind or b.feed || '' = :only_kind)
          and b.from_revision <> b.to_revision
        order by b.revision, b.position
        limit :size) c
    cross join lateral (
        select * from facts where tenant = :tenant and source = c.source and id = c.id limit 1) f
    left join lateral (
        select survivor from aliases
        where tenant = :tenant and kind = c.kind and key = c.key
          and to_revision > c.revision and from_revision <= c.revision
        order by to_revision limit 1) m on true
    cross join lateral (
        select case when pg_column_compression(f.data) is null then pg_column_size(f.data)
                    else octet_length(f.data::text) end as size) z) w
where before < :room
order by revision, position
