-- name: remember_intents
-- Tells the workflow of an instance of a fact: where instances always have one, or where one was started to wait.
insert into intents (tenant, revision, created_at, relationship, parent, source, id, fact)
select $1, $2, $3, w.relationship, w.parent, w.source, w.id, w.fact
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[])
     as w (relationship, parent, source, id, fact, always)
where w.always
   or exists (select from waits x
              where x.tenant = $1 and x.relationship = w.relationship and x.parent = w.parent
                and x.started_at is not null)
on conflict do nothing

-- name: remember_operation_intents
-- Tells the workflows of waiting operations that one of the entities they wait for has turned.
insert into intents (tenant, revision, created_at, relationship, parent, source, id, fact)
select distinct on (o.relationship, o.parent) $1, $2, $3::timestamptz, o.relationship, o.parent, w.source, w.id, w.fact
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) as w (kind, key, source, id, fact)
join unnest($9::text[], $10::text[], $11::text[]) as r (name, parent, child) on w.kind in (r.parent, r.child)
join operations o on o.tenant = $1 and o.state = 'waiting' and o.relationship = r.name
 and ((w.kind = r.parent and o.parent = w.key) or (w.kind = r.child and o.child = w.key))
on conflict do nothing

-- name: end_waits
-- Instances that lack nothing any more, or something else, no longer wait.
-- By key and not by ctid: the row may be written meanwhile by those who dispatch and carry out, and has moved then.
delete from waits x
using unnest($2::text[], $3::text[], $4::text[], $5::boolean[]) as w (relationship, parent, kind, asked)
cross join lateral (
    select lacks from waits where tenant = $1 and relationship = w.relationship and parent = w.parent limit 1) o
cross join lateral (
    select lacking($1, w.relationship, w.parent, w.kind, w.asked) as lacks where o.lacks is not null offset 0) n
where x.tenant = $1 and x.relationship = w.relationship and x.parent = w.parent and x.lacks is distinct from n.lacks

-- name: begin_waits
-- Instances that lack their parent or their counterpart wait: a debtor, a reason and a deadline for each.
-- One that was told already waits anew, as something new has begun to wait.
insert into waits as x (tenant, relationship, parent, lacks, debtor, since, due, start_at)
select $1, w.relationship, w.parent, e.lacks,
       case e.lacks when 'parent' then w.parent_owner else w.child_owner end,
       $2::timestamptz, $2::timestamptz + w.deadline, $2::timestamptz + w.patience
from unnest($3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::text[], $9::interval[], $10::interval[])
     as w (relationship, parent, kind, asked, parent_owner, child_owner, deadline, patience)
cross join lateral (
    select lacking($1, w.relationship, w.parent, w.kind, w.asked) as lacks
    where not exists (select from waits o
                      where o.tenant = $1 and o.relationship = w.relationship and o.parent = w.parent
                        and o.told_at is null offset 0)
    offset 0) e
where e.lacks is not null
on conflict (tenant, relationship, parent) do update
set since = excluded.since, due = excluded.due, start_at = excluded.start_at, started_at = null, told_at = null,
    note = ''
where x.told_at is not null
