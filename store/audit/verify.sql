-- Each check counts what must not be, and gives an example. Catalogs come as arrays: one place, one relationship.

-- name: verify_settings
-- For the rest of this transaction: reads tables whole, sorts on disk if it must, and takes its time.
select set_config(name, value, true)
from (values ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('work_mem', '64MB'),
             ('enable_seqscan', 'on'), ('enable_hashjoin', 'on'), ('enable_mergejoin', 'on')) as s (name, value)

-- name: verify_revisions
-- Revisions run from 1 to the head without a gap.
select count(*) as count, min(format('revision %s is followed by %s', before, revision)) as example
from (select revision, lag(revision, 1, 0::bigint) over (order by revision) as before
      from (select revision from revisions where tenant = $1
            union all
            select revision + 1 from tenant_revisions where tenant = $1) n) r
where revision <> before + 1

-- name: verify_heads
-- Nothing is of a revision beyond the head.
select count(*) as count, min(format('%s is of revision %s', what, revision)) as example
from (select format('fact %s of %s', id, source) as what, revision from facts where tenant = $1
      union all
      select format('%s %s', kind, key), from_revision from entities where tenant = $1
      union all
      select format('the %s of %s', relationship, child), from_revision from links where tenant = $1) v
where revision > coalesce((select revision from tenant_revisions where tenant = $1), 0) or revision < 0

-- name: verify_entity_versions
-- An entity has one version at a time, and none that is empty.
select count(*) as count, min(format('%s %s from revision %s on', kind, key, from_revision)) as example
from (select kind, key, from_revision, to_revision,
             lag(to_revision) over (partition by kind, key order by to_revision) as before
      from entities where tenant = $1) v
where from_revision < before or from_revision >= to_revision

-- name: verify_link_versions
-- A child has one parent at a time, and none for no time.
select count(*) as count, min(format('the %s of %s from revision %s on', relationship, child, from_revision)) as example
from (select relationship, child, from_revision, to_revision,
             lag(to_revision) over (partition by relationship, child order by to_revision) as before
      from links where tenant = $1) v
where from_revision < before or from_revision >= to_revision

-- name: verify_ends
-- A link has a live child, and a parent that is known or at least a placeholder. Looked up one by one: a join goes
-- over all entities for each link while there are no statistics yet, as after a first import.
select count(*) as count, min(what) as example
from (select format('the %s of %s, whose child is %s', l.relationship, l.child, coalesce(c.state, 'nowhere')) as what
      from links l
      join unnest($2::text[], $3::text[], $4::text[]) as r (name, parent, child) on r.name = l.relationship
      left join lateral (select state from entities
                         where tenant = $1 and kind = r.child and key = l.child and to_revision = :open
                         limit 1) c on true
      where l.tenant = $1 and l.to_revision = :open and c.state is distinct from 'live'
      union all
      select format('the %s of %s, whose parent %s is nowhere', l.relationship, l.child, l.parent)
      from links l
      join unnest($2::text[], $3::text[], $4::text[]) as r (name, parent, child) on r.name = l.relationship
      left join lateral (select key from entities
                         where tenant = $1 and kind = r.parent and key = l.parent and to_revision = :open
                         limit 1) p on true
      where l.tenant = $1 and l.to_revision = :open and p.key is null) v

-- name: verify_ranks
-- Where a parent may have one child, links carry the order of the child's creation; elsewhere nothing.
select count(*) as count, min(format('the %s of %s', l.relationship, l.child)) as example
from links l
join unnest($2::text[], $3::text[], $4::boolean[]) as r (name, child, exclusive) on r.name = l.relationship
cross join lateral (
    select created from entities where tenant = $1 and kind = r.child and key = l.child and to_revision = :open
    limit 1) c
where l.tenant = $1 and l.to_revision = :open
  and l.rank is distinct from case when r.exclusive then coalesce(nullif(c.created, ''), '\xff') end

-- name: verify_placeholders
-- A placeholder is there because a link refers to it, or remembers what Tether itself said of it. Here and below,
-- "offset 0" keeps the planner from making a join of it.
select count(*) as count, min(format('%s %s', e.kind, e.key)) as example
from entities e
where e.tenant = $1 and e.to_revision = :open and e.state = 'unknown' and e.refs is null
  and not exists (
      select from unnest($2::text[], $3::text[]) as r (name, parent)
      join links l on l.tenant = $1 and l.relationship = r.name and l.parent = e.key and l.to_revision = :open
      where r.parent = e.kind offset 0)

-- name: verify_waits
-- Exactly the instances that lack something wait: for a debtor, and until a deadline.
select count(*) as count, min(format('%s %s: lacks %s of %s, waits for %s of %s', coalesce(n.name, w.relationship),
       coalesce(n.key, w.parent), coalesce(n.missing, 'nothing'), coalesce(n.owner, 'nobody'),
       coalesce(w.missing, 'nothing'), coalesce(w.owner, 'nobody'))) as example
from (select r.name, e.key, 'parent' as missing, r.parent_owner as owner
      from unnest($2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[])
           as r (name, parent, asked, parent_owner, child_owner)
      join entities e on e.tenant = $1 and e.kind = r.parent and e.to_revision = :open and e.state = 'unknown'
      where exists (select from links l where l.tenant = $1 and l.relationship = r.name and l.parent = e.key
                    and l.to_revision = :open offset 0)
      union all
      select r.name, e.key, 'child', r.child_owner
      from unnest($2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[])
           as r (name, parent, asked, parent_owner, child_owner)
      join entities e on e.tenant = $1 and e.kind = r.parent and e.to_revision = :open and e.state = 'live'
      where r.asked
        and not exists (select from links l where l.tenant = $1 and l.relationship = r.name and l.parent = e.key
                        and l.to_revision = :open offset 0)) n
full join (select * from waits where tenant = $1) w on w.relationship = n.name and w.parent = n.key
where n.missing is distinct from w.missing or n.owner is distinct from w.owner or w.due <= w.waiting_since

-- name: verify_cascades
-- Somebody sees to every child of what is gone, where that is declared: an operation does, or one is about to begin.
select count(*) as count, min(format('%s of %s %s', l.child, e.kind, e.key)) as example
from unnest($2::text[], $3::text[]) as r (name, parent)
join entities e on e.tenant = $1 and e.kind = r.parent and e.to_revision = :open
 and e.state = 'deleted' and e.state <> 'live'
cross join lateral (
    select child from links
    where tenant = $1 and relationship = r.name and parent = e.key and to_revision = :open limit 1) l
where not exists (
        select from operations o
        where o.tenant = $1 and o.workflow = 'cascade' and o.about = e.kind and o.key = e.key
          and o.state in ('waiting', 'requested', 'running', 'incomplete', 'cancelled') offset 0)
  and not exists (
        select from outbox i
        where i.tenant = $1 and i.workflow = 'cascade' and i.about = e.kind and i.key = e.key offset 0)

-- name: verify_declarations
-- What is declared is settled, and every link is of a relationship that is declared.
select count(*) as count, min(what) as example
from (select format('%s is declared and not settled: run `tether migrate`', r.name) as what
      from unnest($2::text[]) as r (name)
      where not exists (select from definitions d where d.relationship = r.name)
      union all
      select format('links of %s, which is not declared any more', d.relationship)
      from definitions d
      where d.relationship <> all ($2::text[])
        and exists (select from links l where l.tenant = $1 and l.relationship = d.relationship
                    and l.to_revision = :open)) v

-- name: verify_rest
-- What is still to be done, and what was put aside: nothing of it is wrong.
select 'facts' as what, count(*) as count from facts where tenant = $1
union all
select 'facts in quarantine', count(*) from quarantine where tenant = $1
union all
select 'instances that wait', count(*) from waits where tenant = $1
union all
select 'of them past their deadline', count(*) from waits where tenant = $1 and due < now()
union all
select 'operations under way', count(*) from operations
where tenant = $1 and state in ('waiting', 'requested', 'running')
union all
select 'outbox rows not dispatched', count(*) from outbox where tenant = $1 and dispatched_at is null
union all
select 'outbox rows of instances that lack nothing', count(*)
from outbox i
where tenant = $1 and workflow = 'relationship'
  and not exists (select from waits w where w.tenant = $1 and w.relationship = i.about and w.parent = i.key)
