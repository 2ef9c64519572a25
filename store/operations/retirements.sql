-- name: add_losers
-- Adds losers to the operation that merges them. reference: the newest fact about the loser that was known then.
insert into operation_children (tenant, operation, relationship, child, parent, state, reference)
select :tenant, :operation, '', w.loser, w.survivor, 'planned', coalesce(e.latest, '')
from unnest(:losers::text[], :survivors::text[]) as w (loser, survivor)
left join lateral (
    select latest from entities
    where tenant = :tenant and kind = :kind and key = w.loser and to_revision = :open limit 1) e on true
on conflict do nothing

-- name: settle_losers
-- Ends the losers that were deleted since they were merged (confirmed), and those with which nothing is to be done:
-- they are not the same entity as the survivor any more, or nothing is known about them (skipped). Parks those that were
-- requested a day ago.
update operation_children c
set state = g.state, skip_reason = g.skip_reason, last_error = case when g.state = 'parked' then c.last_error else '' end,
    park_reason = case when g.state = 'parked' then 'not_confirmed' end,
    details = case when g.state = 'parked' then jsonb_build_object('since', c.changed_at) end,
    reported_missing = false, changed_at = clock_timestamp()
from (select d.child, s.*
      from operation_children d
      left join lateral (
          select survivor from aliases
          where tenant = :tenant and kind = :kind and key = d.child and to_revision = :open limit 1) a on true
      left join lateral (
          select survivor from aliases
          where tenant = :tenant and kind = :kind and key = d.parent and to_revision = :open limit 1) p on true
      left join lateral (
          select state, ended from entities
          where tenant = :tenant and kind = :kind and key = d.child and to_revision = :open limit 1) e on true
      cross join lateral (
          select case when e.state = 'deleted' or e.ended > d.reference then 'confirmed'
                      when a.survivor is distinct from coalesce(p.survivor, d.parent)
                        or e.state is distinct from 'live' then 'skipped'
                      when d.state = 'requested' and d.changed_at < clock_timestamp() - interval '1 day' then 'parked'
                      end as state,
                 case when e.state = 'deleted' or e.ended > d.reference then null
                      when a.survivor is distinct from coalesce(p.survivor, d.parent) then 'not_merged'
                      when e.state is distinct from 'live' then 'not_known' end as skip_reason) s
      where d.tenant = :tenant and d.operation = :operation and d.relationship = ''
        and d.state in ('planned', 'failing', 'requested', 'parked')) g
where c.tenant = :tenant and c.operation = :operation and c.relationship = '' and c.child = g.child
  and g.state is not null and g.state <> c.state

-- name: losers_to_retire
-- The losers of a running merge that its owner is to be requested to retire: still the same entity as the survivor that
-- the request names, live, and not deleted since. A loser may be merged into another entity by now.
select c.child as loser, c.parent as survivor, e.data, c.reference, c.redrives as renewals
from operations o
join operation_children c on c.tenant = o.tenant and c.operation = o.id and c.relationship = '' and c.child > :after
    and (c.state in ('planned', 'failing') or (:repeat::boolean and c.state = 'requested' and c.reported_missing))
    and (:losers::text[] is null or c.child = any(:losers::text[]))
cross join lateral (
    select survivor from aliases
    where tenant = :tenant and kind = :kind and key = c.child and to_revision = :open limit 1) a
left join lateral (
    select survivor from aliases
    where tenant = :tenant and kind = :kind and key = c.parent and to_revision = :open limit 1) p on true
cross join lateral (
    select data from entities
    where tenant = :tenant and kind = :kind and key = c.child and to_revision = :open and state = 'live'
      and ended <= c.reference limit 1) e
where o.tenant = :tenant and o.id = :operation and o.state = 'running' and o.cancelled_at is null
  and a.survivor = coalesce(p.survivor, c.parent)
order by c.child
limit :limit
