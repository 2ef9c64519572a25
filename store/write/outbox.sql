-- name: forget_outbox_rows
-- Forgets what a workflow has read; says whether there is anything newer, or an operation that it has not seen
-- (one begins without a new revision, so its intent must not go while it waits).
with waiting as (
    select exists (select from operations
                   where tenant = $1 and workflow = $2 and about = $3 and key = $4
                     and state in ('waiting', 'requested')) as any
), gone as (
    delete from outbox
    where tenant = $1 and workflow = $2 and about = $3 and key = $4 and revision <= $5
      and not (select w.any from waiting w)
)
select (select w.any from waiting w)
    or exists (select from outbox
               where tenant = $1 and workflow = $2 and about = $3 and key = $4 and revision > $5)

-- name: notify_relationships
-- Tells the workflow of an instance of a fact: where instances always have one, or where one was started to wait.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select $1, $2, $3, 'relationship', w.relationship, w.parent, w.source, w.id, w.fact
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[])
     as w (relationship, parent, source, id, fact, always)
where w.always
   or exists (select from waits x
              where x.tenant = $1 and x.relationship = w.relationship and x.parent = w.parent
                and x.workflow_started_at is not null)
on conflict do nothing

-- name: notify_waiting_for_path
-- Tells instances that wait for what another relationship leads to that it may do so now: each that is a child there
-- of the parent where something came.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select $1, $2, $3, 'relationship', w.relationship, l.child, w.source, w.id, w.fact
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
     as w (relationship, up, parent, source, id, fact)
join links l on l.tenant = $1 and l.relationship = w.up and l.parent = w.parent and l.to_revision = :open
join waits x on x.tenant = $1 and x.relationship = w.relationship and x.parent = l.child
on conflict do nothing

-- name: notify_operations
-- Tells the workflows of operations that something of what they wait for has changed: an entity, or the link of a child.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select distinct on (o.workflow, o.about, o.key)
       $1, $2, $3::timestamptz, o.workflow, o.about, o.key, w.source, w.id, w.fact
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) as w (kind, key, source, id, fact)
cross join lateral (
    select o.workflow, o.about, o.key
    from unnest($9::text[], $10::text[]) as r (name, kind)
    join operations o on o.tenant = $1 and o.relationship = r.name and o.parent = w.key
     and o.state in ('waiting', 'requested')
    where r.kind = w.kind
    union all
    select o.workflow, o.about, o.key
    from unnest($9::text[], $11::text[]) as r (name, kind)
    join operations o on o.tenant = $1 and o.relationship = r.name and o.child = w.key
     and o.state in ('waiting', 'requested')
    where r.kind = w.kind
    union all
    select o.workflow, o.about, o.key
    from operations o
    where o.tenant = $1 and o.state in ('waiting', 'requested') and o.workflow = 'cascade' and o.about = w.kind
      and o.key = w.key) o
on conflict do nothing

-- name: confirm_operations
-- An owner's facts that came of what operations asked for, about whom they asked it: they are answered, and their
-- workflows are told.
with told as (
    update operations o set confirmed_by = w.id, revision = $2
    from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        as w (operation, workflow, about, key, source, id, fact)
    where o.tenant = $1 and o.id = w.operation and o.workflow = w.workflow and o.about = w.about and o.key = w.key
      and o.state = 'requested' and o.confirmed_by is null
    returning o.workflow, o.about, o.key, w.source, w.id, w.fact
)
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select $1, $2, $3, workflow, about, key, source, id, fact from told
on conflict do nothing

-- name: notify_cascades
-- Tells the cascade of an entity that is gone that it has children to see to; where one `left`, that the last of those
-- it saw to may have gone, or one that was refused; where it is there `anew`, that what is left of it is not to be touched any more.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select $1, $2, $3, 'cascade', w.kind, w.key, w.source, w.id, w.fact
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
     as w (kind, key, source, id, fact, what)
cross join lateral (
    select exists (
        select from unnest($10::text[], $11::text[]) as r (kind, name)
        cross join lateral (
            select from links l
            where l.tenant = $1 and l.relationship = r.name and l.parent = w.key and l.to_revision = :open limit 1) l
        where r.kind = w.kind) as children offset 0) c
where case when w.what = 'came' then c.children
      else exists (
          select from operations o
          where o.tenant = $1 and o.workflow = 'cascade' and o.about = w.kind and o.key = w.key
            and o.incarnation is not null
            and (o.state = 'incomplete' or (o.state = 'running' and (w.what = 'anew' or not c.children))))
      end
on conflict do nothing
