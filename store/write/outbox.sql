-- name: forget_outbox_rows
-- Deletes the outbox rows that a workflow has read: those up to a position. Returns whether there are newer ones.
with gone as (
    delete from outbox
    where tenant = :tenant and workflow = :workflow and about = :about and key = :key and position <= :position
)
select exists (select from outbox
               where tenant = :tenant and workflow = :workflow and about = :about and key = :key and position > :position)

-- name: notify_relationships
-- Adds outbox rows for instances of relationships: those that always have a workflow, and those whose workflow may be
-- waiting. The rows of waits are locked before they are read: otherwise a workflow that registers meanwhile would be
-- overlooked here, and would itself overlook what this transaction is writing.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select :tenant, :revision, :now, 'relationship', w.relationship, w.parent, w.source, w.id, w.fact
from unnest(:relationships::text[], :parents::text[], :sources::text[], :ids::text[], :facts::text[],
            :always::boolean[])
     as w (relationship, parent, source, id, fact, always)
left join lateral (
    select x.workflow_may_exist or x.workflow_started_at is not null as notified from waits x
    where not w.always and x.tenant = :tenant and x.relationship = w.relationship and x.parent = w.parent
    for no key update) x on true
where w.always or x.notified
on conflict do nothing

-- name: notify_waiting_for_path
-- Adds outbox rows for waiting instances whose command takes a key by way of another relationship (`up`): for each
-- child of one of these parents there.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select :tenant, :revision, :now, 'relationship', w.relationship, l.child, w.source, w.id, w.fact
from unnest(:relationships::text[], :ups::text[], :parents::text[], :sources::text[], :ids::text[], :facts::text[])
     as w (relationship, up, parent, source, id, fact)
cross join lateral (
    select child from links
    where tenant = :tenant and relationship = w.up and parent = w.parent and to_revision = :open offset 0) l
cross join lateral (
    select from waits where tenant = :tenant and relationship = w.relationship and parent = l.child limit 1) x
on conflict do nothing

-- name: notify_operations
-- Adds outbox rows for open operations whose parent, child or entity to be deleted is among these entities.
-- `relationships`, `parent_kinds` and `child_kinds` list all relationships.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select distinct on (o.workflow, o.about, o.key)
       :tenant, :revision, :now::timestamptz, o.workflow, o.about, o.key, w.source, w.id, w.fact
from unnest(:kinds::text[], :keys::text[], :sources::text[], :ids::text[], :facts::text[])
     as w (kind, key, source, id, fact)
cross join lateral (
    select o.workflow, o.about, o.key
    from unnest(:relationships::text[], :parent_kinds::text[]) as r (name, kind)
    cross join lateral (
        select * from operations
        where tenant = :tenant and relationship = r.name and parent = w.key and state in ('waiting', 'requested')
        offset 0) o
    where r.kind = w.kind
    union all
    select o.workflow, o.about, o.key
    from unnest(:relationships::text[], :child_kinds::text[]) as r (name, kind)
    cross join lateral (
        select * from operations
        where tenant = :tenant and relationship = r.name and child = w.key and state in ('waiting', 'requested')
        offset 0) o
    where r.kind = w.kind
    union all
    select o.workflow, o.about, o.key
    from operations o
    where o.tenant = :tenant and o.state in ('waiting', 'requested') and o.workflow = 'cascade' and o.about = w.kind
      and o.key = w.key) o
on conflict do nothing

-- name: confirm_operations
-- Confirms requested operations by these facts, each where it is about the entity that the request was about, and adds
-- outbox rows for them.
with confirmed as (
    update operations o set confirmed_by = w.id, revision = :revision
    from unnest(:operations::text[], :workflows::text[], :abouts::text[], :keys::text[], :sources::text[],
                :ids::text[], :facts::text[])
        as w (operation, workflow, about, key, source, id, fact)
    where o.tenant = :tenant and o.id = w.operation and o.workflow = w.workflow and o.about = w.about and o.key = w.key
      and o.state || '' = 'requested' -- an expression, so that no index of open operations is read
      and o.confirmed_by is null
    returning o.workflow, o.about, o.key, w.source, w.id, w.fact
)
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select :tenant, :revision, :now, workflow, about, key, source, id, fact from confirmed
on conflict do nothing

-- name: notify_merges
-- Adds outbox rows for running merges whose requests these facts follow from.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select :tenant, :revision, :now, o.workflow, o.about, o.key, w.source, w.id, w.fact
from unnest(:operations::text[], :sources::text[], :ids::text[], :facts::text[]) as w (operation, source, id, fact)
cross join lateral (
    select * from operations where tenant = :tenant and id = w.operation limit 1) o
where o.workflow = 'merge' and o.state || '' = 'running'
on conflict do nothing

-- name: notify_cascades
-- Adds outbox rows for the cascades of these entities, where a row of the table of rules applies: to the event, to
-- whether a deleted life of the entity has children now (null: either way; of one that was just created again it may be
-- any child), and to the state of its cascade (null: any, or none).
-- `relationships` and `parent_kinds` list the relationships whose children are deleted or detached.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select :tenant, :revision, :now, 'cascade', w.kind, w.key, w.source, w.id, w.fact
from unnest(:kinds::text[], :keys::text[], :sources::text[], :ids::text[], :facts::text[], :events::text[],
            :deleted::boolean[])
     as w (kind, key, source, id, fact, event, deleted)
cross join lateral (
    select exists (
        select from unnest(:relationships::text[], :parent_kinds::text[]) as r (name, kind)
        cross join lateral (
            select from links l
            where l.tenant = :tenant and l.relationship = r.name and l.parent = w.key and l.to_revision = :open
              and (w.deleted or w.event = 'recreated' or l.of_former_incarnation)
            limit 1) l
        where r.kind = w.kind) as children offset 0) c
where exists (
    select from (values
        ('children_to_delete', true, null),          -- a cascade begins, or finds late children
        ('child_unlinked',     null, 'incomplete'),  -- a parked child may have left
        ('child_unlinked',     false, 'running'),    -- the last child has left
        ('recreated',          true, null),          -- children may be left of the life that ended
        ('recreated',          null, 'running')      -- only what is left of that life is to be requested
    ) as rule (event, children, state)
    where rule.event = w.event and coalesce(rule.children = c.children, true)
      and (rule.state is null or exists (
          select from operations o
          where o.tenant = :tenant and o.workflow = 'cascade' and o.about = w.kind and o.key = w.key
            and o.incarnation is not null and o.state = rule.state)))
on conflict do nothing

-- name: deleted_parents_of
-- The deleted parents of these children, in many-to-many relationships.
select w.relationship, w.child, l.parent
from unnest(:relationships::text[], :parent_kinds::text[], :children::text[]) as w (relationship, kind, child)
cross join lateral (
    select many as parent from links
    where tenant = :tenant and relationship = w.relationship and child = w.child and to_revision = :open offset 0) l
cross join lateral (
    select from entities
    where tenant = :tenant and kind = w.kind and key = l.parent and to_revision = :open and state = 'deleted' limit 1) e
