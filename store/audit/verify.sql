-- Each check counts the rows that violate an invariant, and gives an example. Declarations are passed as arrays with one
-- element for each relationship.

-- name: verify_settings
-- For the rest of this transaction: no time-outs, sorts on disk, plans that read whole tables.
select set_config(name, value, true)
from (values ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('work_mem', '64MB'),
             ('enable_seqscan', 'on'), ('enable_hashjoin', 'on'), ('enable_mergejoin', 'on')) as s (name, value)

-- name: verify_revisions
-- Revisions run from 1, or from one not after the horizon, to the newest without a gap, but where an epoch begins.
select count(*) as count, min(format('revision %s is followed by %s', before, revision)) as example
from (select revision, lag(revision, 1, coalesce((
                 select min(o.revision) - 1 from revisions o
                 join horizons h on h.tenant = :tenant and o.revision <= h.revision
                 where o.tenant = :tenant), 0)) over (order by revision) as before
      from (select revision from revisions where tenant = :tenant
            union all
            select revision + 1 from tenant_revisions where tenant = :tenant) n) r
where revision <> before + 1
  and not exists (select from epochs e where e.tenant = :tenant and e.revision = r.revision and e.restored = r.before)

-- name: verify_newest_revision
-- No row has a revision beyond the newest.
select count(*) as count, min(format('%s has revision %s', what, revision)) as example
from (select format('fact %s of %s', id, source) as what, revision from facts where tenant = :tenant
      union all
      select format('%s %s', kind, key), from_revision from entities where tenant = :tenant
      union all
      select format('the %s of %s', relationship, child), from_revision from links where tenant = :tenant
      union all
      select format('activity %s of %s', id, source), from_revision from activities where tenant = :tenant
      union all
      select format('the merge of %s %s', kind, key), from_revision from aliases where tenant = :tenant) v
where revision > coalesce((select revision from tenant_revisions where tenant = :tenant), 0) or revision < 0

-- name: verify_entity_versions
-- An entity has one version at a time, and none that is valid for no revision.
select count(*) as count, min(format('%s %s from revision %s on', kind, key, from_revision)) as example
from (select kind, key, from_revision, to_revision,
             lag(to_revision) over (partition by kind, key order by to_revision) as before
      from entities where tenant = :tenant) v
where from_revision < before or from_revision >= to_revision

-- name: verify_link_versions
-- A child has one parent at a time, or many to many each of them once, and no link that is valid for no revision.
select count(*) as count, min(format('the %s of %s from revision %s on', relationship, child, from_revision)) as example
from (select relationship, child, from_revision, to_revision,
             lag(to_revision) over (partition by relationship, child, many order by to_revision) as before
      from links where tenant = :tenant) v
where from_revision < before or from_revision >= to_revision

-- name: verify_aliases
-- A key is merged into one survivor at a time, for some revisions, and directly into one that is not merged itself. The
-- tenant is marked as one with merges.
select count(*) as count, min(what) as example
from (select format('%s %s, merged from revision %s on', kind, key, from_revision) as what
      from (select kind, key, from_revision, to_revision,
                   lag(to_revision) over (partition by kind, key order by to_revision) as before
            from aliases where tenant = :tenant) v
      where from_revision < before or from_revision >= to_revision
      union all
      select format('%s %s, merged into %s, which is merged into %s', a.kind, a.key, a.survivor, s.survivor)
      from aliases a
      join aliases s on s.tenant = :tenant and s.kind = a.kind and s.key = a.survivor and s.to_revision = :open
      where a.tenant = :tenant and a.to_revision = :open
      union all
      select 'the tenant, which has merges and is not marked so'
      where (exists (select from merge_pairs where tenant = :tenant) or exists (select from aliases where tenant = :tenant))
        and not coalesce((select merges from tenant_revisions where tenant = :tenant), false)) v

-- name: verify_activity_revisions
-- Activity is there from the revision of its fact on, until that of the fact which voids it.
select count(*) as count, min(format('activity %s of %s is there from revision %s to %s, by the facts from %s to %s', a.id,
       a.source, a.from_revision, nullif(a.to_revision, :open), f.revision, v.revision)) as example
from activities a
left join facts f on f.tenant = :tenant and f.source = a.source and f.id = a.id
left join (select data ->> 'source' as source, data ->> 'id' as id, min(revision) as revision
           from facts where tenant = :tenant and source = '/tether' and type = 'FactVoided.v1' group by 1, 2) v
  on v.source = a.source and v.id = a.id
where a.tenant = :tenant
  and (a.from_revision is distinct from f.revision or a.to_revision <> coalesce(v.revision, :open))

-- name: verify_merges
-- Each fact with one of these types, which merge, has a row by which its merge is listed and undone; and the fact of each
-- such row is in the ledger, at the revision of the row.
select count(*) as count, min(what) as example
from (select format('the fact %s of %s, whose merge has no row', f.id, f.source) as what
      from (select source, id, data ->> 'merge' as merge from facts
            where tenant = :tenant and type = any(:types::text[])) f
      left join merges m on m.tenant = :tenant and m.source = f.source and m.fact = f.id
      left join merges o on o.tenant = :tenant and f.source = '/tether' and o.id = f.merge
      where m.id is null and o.id is null
      union all
      select format('merge %s, whose fact is not in the ledger', m.id)
      from merges m
      left join facts f on f.tenant = :tenant and f.source = m.source and f.id = m.fact
      where m.tenant = :tenant and m.fact is not null and f.id is null
      union all
      select format('merge %s of revision %s, whose fact is of %s', m.id, m.revision, f.revision)
      from merges m
      join facts f on f.tenant = :tenant and f.source = m.source and f.id = m.fact
      where m.tenant = :tenant and m.revision is distinct from f.revision
      union all
      select format('merge %s of revision %s, of which no fact is recorded', m.id, m.revision)
      from merges m
      where m.tenant = :tenant and m.fact is null and m.revision is not null) v

-- name: verify_merged_links
-- No end of a link is merged into another entity. A key that was stated instead is merged into that end. Tenants without
-- merges are not looked at.
select count(*) as count, min(format('the %s of %s: %s is merged into %s', v.relationship, v.child, v.key,
       coalesce(v.survivor, 'nothing'))) as example
from (select l.relationship, l.child, e.key, a.survivor, e.wanted
      from links l
      join unnest(:relationships::text[], :parent_kinds::text[], :child_kinds::text[]) as r (name, parent, child)
        on r.name = l.relationship
      cross join lateral (values (r.child, l.child, null), (r.child, l.stated_child, l.child),
                                 (r.parent, l.parent, null), (r.parent, l.stated_parent, l.parent))
        as e (kind, key, wanted)
      left join aliases a on a.tenant = :tenant and a.kind = e.kind and a.key = e.key and a.to_revision = :open
      where l.tenant = :tenant and l.to_revision = :open and e.key is not null
        and (select merges from tenant_revisions where tenant = :tenant)) v
where v.survivor is distinct from v.wanted

-- name: verify_link_ends
-- A link has a live child, and a parent with a row, if only a placeholder's; where parents list their children, a child
-- with a row, and a parent that is live or deleted. They are looked up one by one: a join would read all entities for each
-- link while there are no statistics yet, as after a first import.
select count(*) as count, min(what) as example
from (select format('the %s of %s, whose child is %s', l.relationship, l.child, coalesce(c.state, 'missing')) as what
      from links l
      join unnest(:relationships::text[], :child_kinds::text[], :parent_lists::boolean[]) as r (name, child, parent_lists)
        on r.name = l.relationship
      left join lateral (select state from entities
                         where tenant = :tenant and kind = r.child and key = l.child and to_revision = :open
                         limit 1) c on true
      where l.tenant = :tenant and l.to_revision = :open
        and (c.state is null or c.state <> 'live' and not r.parent_lists)
      union all
      select format('the %s of %s, whose parent %s is %s', l.relationship, l.child, l.parent, coalesce(p.state, 'missing'))
      from links l
      join unnest(:relationships::text[], :parent_kinds::text[], :parent_lists::boolean[]) as r (name, parent, parent_lists)
        on r.name = l.relationship
      left join lateral (select state from entities
                         where tenant = :tenant and kind = r.parent and key = l.parent and to_revision = :open
                         limit 1) p on true
      where l.tenant = :tenant and l.to_revision = :open
        and (p.state is null or p.state = 'unknown' and r.parent_lists)) v

-- name: verify_ranks
-- Where a parent may have one child only, links have the order key of the child's creation as rank, without its
-- last part, the arrival; elsewhere none. If the child is merged, it is that of the record that names the parent. Where
-- records are merged into the parent, the rule of the relationship comes first.
select count(*) as count, min(format('the %s of %s', l.relationship, l.child)) as example
from links l
join unnest(:relationships::text[], :parent_kinds::text[], :child_kinds::text[], :exclusive::boolean[])
     as r (name, parent, child, exclusive)
  on r.name = l.relationship
cross join lateral (
    select state, created from entities
    where tenant = :tenant and kind = r.child and key = coalesce(l.stated_child, l.child) and to_revision = :open
    limit 1) c
where l.tenant = :tenant and l.to_revision = :open
  and l.rank is distinct from case when r.exclusive then coalesce(nullif(substring(c.created for greatest(length(c.created) - 8, 0)), ''), '\xff') end
  and not (r.exclusive and c.state = 'deleted')
  and not (r.exclusive and exists (
      select from aliases a
      where a.tenant = :tenant and a.kind = r.parent and a.survivor = l.parent and a.to_revision = :open offset 0))

-- name: verify_placeholders
-- A placeholder has a link that refers to it, or keeps what Tether's own facts said of it. Here and below, "offset 0"
-- keeps the planner from turning the subquery into a join.
select count(*) as count, min(format('%s %s', e.kind, e.key)) as example
from entities e
where e.tenant = :tenant and e.to_revision = :open and e.state = 'unknown' and e.refs is null
  and not exists (
      select from unnest(:relationships::text[], :element_kinds::text[], :parent_lists::boolean[])
           as r (name, kind, parent_lists)
      join links l on l.tenant = :tenant and l.relationship = r.name and l.parent = e.key and l.to_revision = :open
      where r.kind = e.kind and not r.parent_lists offset 0)
  and not exists (
      select from unnest(:relationships::text[], :element_kinds::text[], :parent_lists::boolean[])
           as r (name, kind, parent_lists)
      join links l on l.tenant = :tenant and l.relationship = r.name and l.child = e.key and l.to_revision = :open
      where r.kind = e.kind and r.parent_lists offset 0)

-- name: verify_waits
-- Exactly the relationship instances that are missing something have a wait, for the right owner and with a due time. An
-- entity that was merged has none.
select count(*) as count, min(format('%s %s: is missing %s of %s, waits for %s of %s', coalesce(n.name, w.relationship),
       coalesce(n.key, w.parent), coalesce(n.missing, 'nothing'), coalesce(n.owner, 'no owner'),
       coalesce(w.missing, 'nothing'), coalesce(w.owner, 'no owner'))) as example
from (select r.name, e.key, 'parent' as missing, r.parent_owner as owner
      from unnest(:relationships::text[], :parent_kinds::text[], :parent_owners::text[], :parent_lists::boolean[])
           as r (name, parent, parent_owner, parent_lists)
      join entities e on e.tenant = :tenant and e.kind = r.parent and e.to_revision = :open and e.state = 'unknown'
      where exists (select from links l where l.tenant = :tenant and l.relationship = r.name and l.parent = e.key
                    and l.to_revision = :open offset 0)
        and not r.parent_lists
      union all
      select r.name, e.key, 'child', r.child_owner
      from unnest(:relationships::text[], :child_kinds::text[], :child_owners::text[], :parent_lists::boolean[])
           as r (name, child, child_owner, parent_lists)
      join entities e on e.tenant = :tenant and e.kind = r.child and e.to_revision = :open and e.state = 'unknown'
      where r.parent_lists
        and exists (select from links l where l.tenant = :tenant and l.relationship = r.name and l.child = e.key
                    and l.to_revision = :open and not l.of_former_incarnation offset 0)
      union all
      select r.name, e.key, 'child', r.child_owner
      from unnest(:relationships::text[], :parent_kinds::text[], :requested::boolean[], :child_owners::text[])
           as r (name, parent, requested, child_owner)
      join entities e on e.tenant = :tenant and e.kind = r.parent and e.to_revision = :open and e.state = 'live'
      where r.requested
        and not exists (select from aliases a where a.tenant = :tenant and a.kind = e.kind and a.key = e.key
                        and a.to_revision = :open offset 0)
        and not exists (select from links l where l.tenant = :tenant and l.relationship = r.name and l.parent = e.key
                        and l.to_revision = :open and not l.of_former_incarnation offset 0)) n
full join (select * from waits where tenant = :tenant) w on w.relationship = n.name and w.parent = n.key
where n.missing is distinct from w.missing or n.owner is distinct from w.owner or w.due <= w.waiting_since

-- name: verify_former_links
-- A link to a live parent is of a former incarnation exactly if the newest deletion of the parent came after the
-- creation that the child was requested for. If the parent is merged into another one, its own record counts. Records
-- that were merged and then deleted are not looked at: what counts of them is their last life, which only facts hold.
select count(*) as count, min(format('the %s of %s', l.relationship, l.child)) as example
from links l
join unnest(:relationships::text[], :parent_kinds::text[], :child_kinds::text[]) as r (name, parent, child)
  on r.name = l.relationship
cross join lateral (
    select from entities
    where tenant = :tenant and kind = r.parent and key = l.parent and to_revision = :open and state = 'live' limit 1) s
left join lateral (
    select state, ended from entities
    where tenant = :tenant and kind = r.parent and key = coalesce(l.stated_parent, l.parent) and to_revision = :open
    limit 1) p on true
cross join lateral (
    select refs from entities
    where tenant = :tenant and kind = r.child and key = coalesce(l.stated_child, l.child) and to_revision = :open
      and state = 'live'
    limit 1) c
where l.tenant = :tenant and l.to_revision = :open and p.state is distinct from 'deleted'
  and l.of_former_incarnation is distinct from coalesce(p.ended > decode(c.refs -> l.relationship ->> 2, 'hex'), false)

-- name: verify_cascades
-- Where a cascade is declared, each deleted parent that has children has an operation, or an outbox row for one; so has
-- each live one that has children of former incarnations. Who lists children may list some that are not there.
select count(*) as count, min(format('%s of %s %s', e.child, e.kind, e.key)) as example
from (select e.kind, e.key, l.child
      from unnest(:relationships::text[], :parent_kinds::text[], :child_kinds::text[], :parent_lists::boolean[])
           as r (name, parent, child, parent_lists)
      join entities e on e.tenant = :tenant and e.kind = r.parent and e.to_revision = :open
       and e.state = 'deleted' and e.state <> 'live'
      cross join lateral (
          select child from links o
          where tenant = :tenant and relationship = r.name and parent = e.key and to_revision = :open
            and (not r.parent_lists or exists (
                select from entities
                where tenant = :tenant and kind = r.child and key = o.child and to_revision = :open and state = 'live'))
          limit 1) l
      union all
      select r.parent, l.parent, l.child
      from unnest(:relationships::text[], :parent_kinds::text[]) as r (name, parent)
      join links l on l.tenant = :tenant and l.relationship = r.name and l.of_former_incarnation
       and l.to_revision = :open) e
where not exists (
        select from operations o
        where o.tenant = :tenant and o.workflow = 'cascade' and o.about = e.kind and o.key = e.key
          and o.state in ('waiting', 'requested', 'running', 'incomplete', 'cancelled') offset 0)
  and not exists (
        select from outbox i
        where i.tenant = :tenant and i.workflow = 'cascade' and i.about = e.kind and i.key = e.key offset 0)

-- name: verify_declarations
-- Every declared relationship is backfilled, and every link is of a declared relationship.
select count(*) as count, min(what) as example
from (select format('%s is declared and not backfilled: run `tether migrate`', r.name) as what
      from unnest(:relationships::text[]) as r (name)
      where not exists (select from definitions d where d.relationship = r.name)
      union all
      select format('links of %s, which is not declared any more', d.relationship)
      from definitions d
      where d.relationship <> all (:relationships::text[])
        and exists (select from links l where l.tenant = :tenant and l.relationship = d.relationship
                    and l.to_revision = :open)) v
