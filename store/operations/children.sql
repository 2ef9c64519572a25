-- name: count_unrequested
-- Counts the children of an operation whose request is still to be sent, or sent again.
select count(*) from operation_children
where tenant = :tenant and operation = :operation and state in ('planned', 'failing')

-- name: skip_unrequested_children
-- Skips the children of an operation that are not processed and were not requested, and those whose owner replied to
-- the request that it has no such child.
update operation_children
set state = 'skipped', skip_reason = 'parent_deleted_again', changed_at = clock_timestamp()
where tenant = :tenant and operation = :operation
  and (state in ('planned', 'failing', 'parked') or (state = 'requested' and reported_missing))

-- name: store_child_outcomes
-- Stores the outcome of each request. A child that facts have confirmed or skipped meanwhile stays as it is; one with
-- thirty counted attempts is parked. renewed: the next request for it has another Idempotency-Key.
update operation_children c
set state = case when c.attempts + w.counted::int >= 30 then 'parked' else w.state end,
    parent = w.parent, reference = w.reference, last_error = w.last_error, attempts = c.attempts + w.counted::int,
    park_reason = case when w.state <> 'parked' and c.attempts + w.counted::int >= 30 then 'attempts_exhausted'
                       else w.park_reason end,
    details = w.details::jsonb, reported_missing = w.reported_missing, redrives = c.redrives + w.renewed::int,
    sent = c.sent or w.sent,
    changed_at = case when c.state = w.state then c.changed_at else clock_timestamp() end
from unnest(:children::text[], :parents::text[], :states::text[], :order_keys::bytea[], :errors::text[],
            :counted::boolean[], :reported_missing::boolean[], :renewed::boolean[], :sent::boolean[], :park_reasons::text[],
            :details::text[])
    as w (child, parent, state, reference, last_error, counted, reported_missing, renewed, sent, park_reason, details)
cross join lateral (
    select child from operation_children
    where tenant = :tenant and operation = :operation and relationship = :relationship and child = w.child
    limit 1) f
where c.tenant = :tenant and c.operation = :operation and c.relationship = :relationship and c.child = f.child
  and c.state in ('planned', 'failing', 'requested')

-- name: settle_children
-- Ends the children that are no longer in their parent: confirmed if that is as requested, otherwise skipped. :swept: the
-- deleted parent of a cascade; null: of another operation.
update operation_children c
set state = g.state, last_error = '', park_reason = null, details = null, reported_missing = false, changed_at = clock_timestamp()
from (select d.relationship, d.child,
             case when case r.action when 'delete' then e.state is distinct from 'live'
                                     when 'detach' then e.state = 'live' and l.parent is null
                                     else e.state = 'live' and (:target in (l.parent, l.stated_parent) or exists (
                                         select from links t
                                         where t.tenant = :tenant and t.relationship = d.relationship
                                           and t.child = d.child and t.to_revision = :open and t.many = :target)) end
                  then 'confirmed' else 'skipped' end as state
      from operation_children d
      join unnest(:relationships::text[], :kinds::text[], :actions::text[]) as r (name, kind, action)
          on r.name = d.relationship
      left join lateral (
          select parent, stated_parent from links
          where tenant = :tenant and relationship = d.relationship and child = d.child and to_revision = :open
            and (many = '' or coalesce(stated_parent, many) = d.parent)
          limit 1) l on true
      left join lateral (
          select state from entities
          where tenant = :tenant and kind = r.kind and key = d.child and to_revision = :open
          limit 1) e on true
      where d.tenant = :tenant and d.operation = :operation
        and d.state in ('planned', 'failing', 'requested', 'parked')
        and (coalesce(l.stated_parent, l.parent) is distinct from d.parent
             or r.action = 'delete' and e.state is distinct from 'live'
             or :swept::text is not null and l.parent is distinct from :swept)) g
where c.tenant = :tenant and c.operation = :operation and c.relationship = g.relationship and c.child = g.child
  and c.state in ('planned', 'failing', 'requested', 'parked')

-- name: park_overdue_children
-- Parks children that were requested so long ago that their facts will not arrive by themselves. Not those that are
-- failing: their owner may be unavailable for any length of time.
update operation_children c
set state = 'parked', park_reason = 'not_confirmed', details = jsonb_build_object('since', c.changed_at),
    changed_at = clock_timestamp()
from unnest(:relationships::text[], :deadlines::interval[]) as r (name, deadline)
where c.tenant = :tenant and c.operation = :operation and c.relationship = r.name and c.state = 'requested'
  and c.changed_at + r.deadline <= clock_timestamp()

-- name: open_children
-- Counts the children of an operation that were requested and whose facts have not arrived, with the time of the oldest
-- request and an owner's reply, if one said that it has no such child; and the parked children.
select count(*) filter (where state = 'requested') as unconfirmed,
       min(changed_at) filter (where state = 'requested') as requested_since,
       count(*) filter (where state = 'parked') as parked,
       coalesce(max(last_error) filter (where state = 'requested'), '') as reply
from operation_children
where tenant = :tenant and operation = :operation and state in ('planned', 'failing', 'requested', 'parked')
