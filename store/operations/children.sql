-- name: count_candidates
-- Children of a tombstone that its operation is still to ask for, by relationship; and those of them that it has not
-- come to yet. Those that were seen to once and have come back count as well.
select w.relationship, c.children, c.remaining
from unnest($2::text[]) as w (relationship)
cross join lateral (
    select count(*) as children,
           count(*) filter (where l.state is null or l.state in ('confirmed', 'skipped')) as remaining
    from (select i.state
          from links l
          left join lateral (
              select state from operation_children
              where tenant = $1 and operation = $4 and relationship = w.relationship and child = l.child limit 1) i
              on true
          where l.tenant = $1 and l.relationship = w.relationship and l.parent = $3 and l.to_revision = :open
            and (i.state is null or i.state not in ('requested', 'parked'))
          limit $5) l) c

-- name: children_to_ask
-- A page of the children of a tombstone that this operation has not asked for, by child; with $7, those too whose
-- fact has not come, for it may have been overtaken by another.
select l.child, l.parent, l.from_revision as linked, i.state, i.reference, i.redrives, i.last_error
from links l
left join lateral (
    select state, reference, linked_revision, redrives, last_error from operation_children
    where tenant = $1 and operation = $2 and relationship = $3 and child = l.child limit 1) i on true
where l.tenant = $1 and l.relationship = $3 and l.parent = $4 and l.to_revision = :open and l.child > $5
  and (i.state is null or i.state not in ('requested', 'parked') or ($7 and i.state = 'requested'))
order by l.child
limit $6

-- name: planned_to_ask
-- A page of the children that a plan names and that have not been asked for, by child; with $6, those too whose fact
-- has not come. `back`: it has left since it was planned, or has ended ($8: the facts that say so), or a fact came of
-- what was asked; so that whoever is where it was has come back.
select i.child, i.parent, l.linked, i.state, i.reference, i.redrives, i.last_error,
       i.linked_revision is not null and departed($1, $3, i.child, i.parent, i.linked_revision) or exists (
           select from facts f
           where f.tenant = $1 and f.kind = $7 and f.key = i.child
             and (f.type = any($8::text[]) and f.revision > i.linked_revision
                  or i.reference <> '' and f.correlation = 'tether2.' || $2)) as back
from operation_children i
left join lateral (
    select from_revision as linked from links
    where tenant = $1 and relationship = $3 and child = i.child and to_revision = :open limit 1) l on true
where i.tenant = $1 and i.operation = $2 and i.relationship = $3 and i.child > $4
  and (i.state in ('planned', 'failing') or ($6 and i.state = 'requested'))
order by i.child
limit $5

-- name: skip_returned_children
-- Skips children that left their parent after they were planned or requested, and came back by another fact.
update operation_children
set state = 'skipped', last_error = 'it left its parent, and came back by another fact', changed_at = now()
where tenant = $1 and operation = $2 and relationship = $3 and child = any($4)
  and state in ('planned', 'failing', 'requested')

-- name: skip_open_children
-- Skips all children of an operation that are neither confirmed nor skipped.
update operation_children
set state = 'skipped', changed_at = now()
where tenant = $1 and operation = $2 and state in ('planned', 'failing', 'requested', 'parked')

-- name: begin_children
-- Stores children whose requests are about to be sent. Before they are sent: the owner's facts may arrive, or the
-- sender may crash, before the replies are stored. A child that was confirmed or skipped, and came back, begins again.
insert into operation_children as i
    (tenant, operation, relationship, child, parent, state, reference, linked_revision)
select $1, $2, $3, w.child, w.parent, 'planned', w.reference, w.linked_revision
from unnest($4::text[], $5::text[], $6::bytea[], $7::bigint[]) as w (child, parent, reference, linked_revision)
on conflict (tenant, operation, relationship, child) do update
set state = 'planned', parent = excluded.parent, reference = excluded.reference,
    linked_revision = coalesce(i.linked_revision, excluded.linked_revision), attempts = 0,
    last_error = '', changed_at = now()
where i.state in ('confirmed', 'skipped') or i.reference = ''

-- name: store_child_outcomes
-- Stores the outcome of each request. A child that facts have confirmed or skipped meanwhile stays as it is; one with
-- thirty counted attempts is parked.
update operation_children i
set state = case when i.attempts + w.counts::int >= 30 then 'parked' else w.state end,
    parent = w.parent, reference = w.reference, last_error = w.last_error, attempts = i.attempts + w.counts::int,
    changed_at = case when i.state = w.state then i.changed_at else now() end
from unnest($4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::boolean[])
    as w (child, parent, state, reference, last_error, counts)
cross join lateral (
    select child from operation_children
    where tenant = $1 and operation = $2 and relationship = $3 and child = w.child limit 1) f
where i.tenant = $1 and i.operation = $2 and i.relationship = $3 and i.child = f.child
  and i.state in ('planned', 'failing', 'requested')

-- name: settle_children
-- Ends the children that are no longer in their parent: confirmed if that is as requested, otherwise skipped.
update operation_children i
set state = g.state, last_error = '', changed_at = now()
from (select c.relationship, c.child,
             case when case r.action when 'deleted' then e.state is distinct from 'live'
                                     when 'detached' then e.state = 'live' and l.parent is null
                                     else e.state = 'live' and l.parent = $6 end
                  then 'confirmed' else 'skipped' end as state
      from operation_children c
      join unnest($3::text[], $4::text[], $5::text[]) as r (name, kind, action) on r.name = c.relationship
      left join lateral (
          select parent from links
          where tenant = $1 and relationship = c.relationship and child = c.child and to_revision = :open limit 1)
          l on true
      left join lateral (
          select state from entities
          where tenant = $1 and kind = r.kind and key = c.child and to_revision = :open limit 1) e on true
      where c.tenant = $1 and c.operation = $2 and c.state in ('planned', 'failing', 'requested', 'parked')
        and l.parent is distinct from c.parent) g
where i.tenant = $1 and i.operation = $2 and i.relationship = g.relationship and i.child = g.child
  and i.state in ('planned', 'failing', 'requested', 'parked')

-- name: park_overdue_children
-- Parks children that were requested so long ago that their facts will not arrive by themselves. Not those that are
-- failing: their owner may be unavailable for any length of time.
update operation_children i
set state = 'parked', changed_at = now(),
    last_error = format('asked for at %s UTC, and no fact has come of it%s',
                        to_char(i.changed_at, 'YYYY-MM-DD HH24:MI'),
                        case when i.last_error = '' then '' else ': ' || i.last_error end)
from unnest($3::text[], $4::interval[]) as r (name, deadline)
where i.tenant = $1 and i.operation = $2 and i.relationship = r.name and i.state = 'requested'
  and i.changed_at + r.deadline <= $5

-- name: items_left
-- Children of an operation whose facts have not come, since when, and those that were refused.
select count(*) filter (where state = 'requested') as outstanding,
       min(changed_at) filter (where state = 'requested') as since,
       count(*) filter (where state = 'parked') as parked,
       coalesce(max(last_error) filter (where state = 'requested'), '') as why
from operation_children
where tenant = $1 and operation = $2 and state in ('planned', 'failing', 'requested', 'parked')

-- name: items_page
-- A page of the children that an operation concerns, by relationship and child, in one state if that is given.
select relationship, child, parent, state, last_error, attempts, changed_at
from operation_children
where tenant = $1 and operation = $2 and ($3::text is null or state = $3) and (relationship, child) > ($4, $5)
order by relationship, child
limit $6
