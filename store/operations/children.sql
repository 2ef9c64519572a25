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

-- name: spare_items
-- Children that left since they were planned or asked for, and have come back: they are let be; and the sum.
with back as (
    update operation_children
    set state = 'skipped', last_error = 'it left its parent, and came back by another fact', changed_at = now()
    where tenant = $1 and operation = $2 and relationship = $3 and child = any($4)
      and state in ('planned', 'failing', 'requested')
    returning 1
)
update operations set skipped = skipped + (select count(*) from back) where tenant = $1 and id = $2

-- name: spare_rest
-- Whatever was not seen to yet is let be; and the sums.
with rest as (
    update operation_children i set state = 'skipped', changed_at = now()
    from operation_children p
    where i.tenant = $1 and i.operation = $2 and i.state in ('planned', 'failing', 'requested', 'parked')
      and p.tenant = $1 and p.operation = $2 and p.relationship = i.relationship and p.child = i.child
    returning p.state as was
)
update operations o set skipped = o.skipped + s.skipped, parked = o.parked - s.parked
from (select count(*) as skipped, count(*) filter (where was = 'parked') as parked from rest) s
where o.tenant = $1 and o.id = $2

-- name: begin_items
-- Children that are about to be asked for; and the sums. Before it happens: their owner's facts may come, and whoever
-- asks may die, before what came of it is remembered.
with begun as (
    insert into operation_children as i
        (tenant, operation, relationship, child, parent, state, reference, linked_revision)
    select $1, $2, $3, w.child, w.parent, 'planned', w.reference, w.linked_revision
    from unnest($4::text[], $5::text[], $6::bytea[], $7::bigint[]) as w (child, parent, reference, linked_revision)
    on conflict (tenant, operation, relationship, child) do update
    set state = 'planned', parent = excluded.parent, reference = excluded.reference,
        linked_revision = coalesce(i.linked_revision, excluded.linked_revision), attempts = 0,
        last_error = '', changed_at = now()
    where i.state in ('confirmed', 'skipped') or i.reference = ''
    returning 1
)
update operations o
set found = o.found + case when o.workflow = 'cascade' then s.found else 0 end,
    remaining = greatest(o.remaining - s.found, 0)
from (select count(*) as found from begun) s
where o.tenant = $1 and o.id = $2 and s.found > 0

-- name: keep_items
-- What became of children when their owner was asked; and the sums. What facts have settled meanwhile stays settled.
with kept as (
    update operation_children i
    set state = case when p.attempts + w.counts::int >= 30 then 'parked' else w.state end,
        parent = w.parent, reference = w.reference, last_error = w.last_error, attempts = p.attempts + w.counts::int,
        changed_at = case when p.state = w.state then p.changed_at else now() end
    from unnest($4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::boolean[])
        as w (child, parent, state, reference, last_error, counts)
    cross join lateral (
        select state, attempts, changed_at from operation_children
        where tenant = $1 and operation = $2 and relationship = $3 and child = w.child limit 1) p
    where i.tenant = $1 and i.operation = $2 and i.relationship = $3 and i.child = w.child
      and i.state in ('planned', 'failing', 'requested')
    returning i.state, p.state as was
)
update operations o
set requested = o.requested + s.requested - s.unrequested, parked = o.parked + s.parked
from (select count(*) filter (where k.state = 'requested' and k.was <> 'requested') as requested,
             count(*) filter (where k.state <> 'requested' and k.was = 'requested') as unrequested,
             count(*) filter (where k.state = 'parked') as parked
      from kept k) s
where o.tenant = $1 and o.id = $2

-- name: settle_items
-- Children that are not in their parent any more: done if it came as it was wished, else spared; and the sums.
with gone as (
    select i.relationship, i.child, i.state, i.reference,
           case when case r.wish when 'deleted' then e.state is distinct from 'live'
                                 when 'detached' then e.state = 'live' and l.parent is null
                                 else e.state = 'live' and l.parent = $6 end
                then 'confirmed' else 'skipped' end as became
    from operation_children i
    join unnest($3::text[], $4::text[], $5::text[]) as r (name, kind, wish) on r.name = i.relationship
    left join lateral (
        select parent from links
        where tenant = $1 and relationship = i.relationship and child = i.child and to_revision = :open limit 1)
        l on true
    left join lateral (
        select state from entities
        where tenant = $1 and kind = r.kind and key = i.child and to_revision = :open limit 1) e on true
    where i.tenant = $1 and i.operation = $2 and i.state in ('planned', 'failing', 'requested', 'parked')
      and l.parent is distinct from i.parent
), moved as (
    update operation_children i set state = g.became, last_error = '', changed_at = now()
    from gone g
    where i.tenant = $1 and i.operation = $2 and i.relationship = g.relationship and i.child = g.child
)
update operations o
set confirmed = o.confirmed + s.confirmed, skipped = o.skipped + s.skipped, parked = o.parked - s.parked,
    requested = o.requested + s.unheard
from (select count(*) filter (where became = 'confirmed' and state in ('planned', 'failing') and reference <> '')
                 as unheard,
             count(*) filter (where became = 'confirmed') as confirmed,
             count(*) filter (where became = 'skipped') as skipped,
             count(*) filter (where state = 'parked') as parked
      from gone) s
where o.tenant = $1 and o.id = $2 and s.confirmed + s.skipped > 0

-- name: park_overdue_items
-- Children that were asked for so long ago that their facts will not come by themselves; and the sum. Not those that
-- their owner has not answered: it may be away for any time.
with late as (
    update operation_children i
    set state = 'parked', changed_at = now(),
        last_error = format('asked for at %s UTC, and no fact has come of it%s',
                            to_char(i.changed_at, 'YYYY-MM-DD HH24:MI'),
                            case when i.last_error = '' then '' else ': ' || i.last_error end)
    from unnest($3::text[], $4::interval[]) as r (name, deadline)
    where i.tenant = $1 and i.operation = $2 and i.relationship = r.name and i.state = 'requested'
      and i.changed_at + r.deadline <= $5
    returning 1
)
update operations set parked = parked + (select count(*) from late), requested = requested - (select count(*) from late)
where tenant = $1 and id = $2 and exists (select from late)

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
