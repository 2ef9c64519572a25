-- name: cascade_candidates
-- A page of the children of a deleted parent that its operation has still to request something for, by child; with
-- :repeat also those already requested, whose fact has not arrived: another fact may have overtaken it. parent: as the
-- child's owner stated it.
select l.child, coalesce(l.stated_parent, l.parent) as parent, l.from_revision as linked_revision, c.state, c.reference, c.redrives, c.reported_missing,
       false as returned, false as recreated
from links l
left join lateral (
    select state, reference, redrives, reported_missing from operation_children
    where tenant = :tenant and operation = :operation and relationship = :relationship and child = l.child
    limit 1) c on true
where l.tenant = :tenant and l.relationship = :relationship and l.parent = :parent and l.to_revision = :open
  and l.child > :after
  and (c.state is null or c.state not in ('requested', 'parked') or (:repeat and c.state = 'requested'))
order by l.child
limit :limit

-- name: plan_candidates
-- A page of the children of a plan that its operation has still to request something for, by child; with :repeat also
-- those already requested, whose fact has not arrived. returned: since it was planned it has left its parent, or a fact
-- followed from its request. recreated: since it was planned it was deleted, not by a fact about an earlier life, which
-- is older than a creation that was known then. :creations and :deletions are the types of such facts.
select c.child, c.parent, l.linked_revision, c.state, c.reference, c.redrives, c.reported_missing,
       c.linked_revision is not null
           and departed(:tenant, :relationship, c.child, c.parent, c.linked_revision) or exists (
               select from facts f
               where f.tenant = :tenant and f.kind = :kind and f.key = c.child
                 and c.reference <> '' and f.correlation = 'tether2.' || :operation) as returned,
       exists (
           select from facts d
           where d.tenant = :tenant and d.kind = :kind and d.key = c.child
             and d.type = any(:deletions::text[]) and d.revision > c.linked_revision
             and not exists (
                 select from facts f
                 where f.tenant = :tenant and f.kind = :kind and f.key = c.child
                   and f.type = any(:creations::text[]) and f.revision <= c.linked_revision
                   and f.order_key > d.order_key)) as recreated
from operation_children c
left join lateral (
    select from_revision as linked_revision from links
    where tenant = :tenant and relationship = :relationship and child = c.child and to_revision = :open
      and (many = '' or coalesce(stated_parent, many) = c.parent)
    limit 1) l on true
where c.tenant = :tenant and c.operation = :operation and c.relationship = :relationship and c.child > :after
  and (c.state in ('planned', 'failing') or (:repeat and c.state = 'requested'))
order by c.child
limit :limit

-- name: skip_children
-- Skips children that are in their parent and must not be requested, each with the reason.
update operation_children c
set state = 'skipped', skip_reason = w.reason, last_error = '', reported_missing = false, changed_at = clock_timestamp()
from unnest(:children::text[], :reasons::text[]) as w (child, reason)
where c.tenant = :tenant and c.operation = :operation and c.relationship = :relationship and c.child = w.child
  and c.state in ('planned', 'failing', 'requested')

-- name: begin_children
-- Stores children whose requests are about to be sent. Before they are sent: the owner's facts may arrive, or the
-- sender may crash, before the replies are stored. A child that was confirmed or skipped, and came back, begins again.
insert into operation_children as c
    (tenant, operation, relationship, child, parent, state, reference, linked_revision)
select :tenant, :operation, :relationship, w.child, w.parent, 'planned', w.reference, w.linked_revision
from unnest(:children::text[], :parents::text[], :order_keys::bytea[], :linked_revisions::bigint[])
    as w (child, parent, reference, linked_revision)
on conflict (tenant, operation, relationship, child) do update
set state = 'planned', parent = excluded.parent, reference = excluded.reference,
    linked_revision = coalesce(c.linked_revision, excluded.linked_revision), attempts = 0,
    last_error = '', skip_reason = null, park_reason = null, details = null, reported_missing = false, sent = false,
    changed_at = clock_timestamp()
where c.state in ('confirmed', 'skipped') or c.reference = ''
