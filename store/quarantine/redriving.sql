-- name: still_quarantined
-- Those of some events that are in quarantine, and whether they are empty; they are locked until the transaction ends.
select q.id, q.raw = '' as emptied
from quarantine q
join unnest(:ids::bigint[]) as w (id) on q.id = w.id
where q.tenant = :tenant
order by q.id
for update of q
