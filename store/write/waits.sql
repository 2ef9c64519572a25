-- name: states
-- The current state of these entities.
select e.kind, e.key, e.state
from unnest($2::text[], $3::text[]) as w (kind, key)
cross join lateral (
    select * from entities where tenant = $1 and kind = w.kind and key = w.key and to_revision = :open limit 1) e

-- name: open_placeholders
-- Rows for parents that were referred to and never heard of.
insert into entities (tenant, from_revision, kind, key, state, data, latest, created, ended)
select $1, $2, w.kind, w.key, 'unknown', '{}', '', '', ''
from unnest($3::text[], $4::text[]) as w (kind, key)

-- name: close_placeholders
-- Placeholders that no link refers to any more go, unless they remember what Tether itself said of an entity before
-- its owner did; the last two arguments say which relationships have a parent of which kind.
update entities e set to_revision = $2
from unnest($3::text[], $4::text[]) as w (kind, key)
cross join lateral (
    select ctid from entities
    where tenant = $1 and kind = w.kind and key = w.key and to_revision = :open and state = 'unknown' and refs is null
    limit 1) x
where e.ctid = x.ctid
  and not exists (
      select from unnest($5::text[], $6::text[]) as r (kind, name)
      cross join lateral (
          select from links l
          where l.tenant = $1 and l.relationship = r.name and l.parent = w.key and l.to_revision = :open limit 1) l
      where r.kind = w.kind)

-- name: end_waits
-- Instances that lack nothing any more, or something else, no longer wait.
-- By key and not by ctid: the row may be written meanwhile by those who dispatch and carry out, and has moved then.
delete from waits x
using unnest($2::text[], $3::text[], $4::text[], $5::boolean[]) as w (relationship, parent, kind, asked)
cross join lateral (
    select missing from waits where tenant = $1 and relationship = w.relationship and parent = w.parent limit 1) o
cross join lateral (
    select missing_side($1, w.relationship, w.parent, w.kind, w.asked) as missing
    where o.missing is not null offset 0) n
where x.tenant = $1 and x.relationship = w.relationship and x.parent = w.parent
  and x.missing is distinct from n.missing

-- name: begin_waits
-- Instances that lack their parent or their counterpart wait: a debtor, a reason and a deadline for each.
-- One that was told already waits anew, as something new has begun to wait.
insert into waits as x (tenant, relationship, parent, missing, owner, waiting_since, due, workflow_after)
select $1, w.relationship, w.parent, e.missing,
       case e.missing when 'parent' then w.parent_owner else w.child_owner end,
       $2::timestamptz, $2::timestamptz + w.deadline, $2::timestamptz + w.patience
from unnest($3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::text[], $9::interval[], $10::interval[])
     as w (relationship, parent, kind, asked, parent_owner, child_owner, deadline, patience)
cross join lateral (
    select missing_side($1, w.relationship, w.parent, w.kind, w.asked) as missing
    where not exists (select from waits o
                      where o.tenant = $1 and o.relationship = w.relationship and o.parent = w.parent
                        and o.overdue_notified_at is null offset 0)
    offset 0) e
where e.missing is not null
on conflict (tenant, relationship, parent) do update
set waiting_since = excluded.waiting_since, due = excluded.due, workflow_after = excluded.workflow_after,
    workflow_started_at = null, overdue_notified_at = null, last_error = ''
where x.overdue_notified_at is not null
