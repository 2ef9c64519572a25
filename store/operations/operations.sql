-- name: operation
-- One operation.
select * from operations where tenant = :tenant and id = :id

-- name: open_operations
-- The operations that a workflow has to carry out, oldest first. One look-up for each state, by which the index begins.
select o.*
from unnest('{waiting,requested,running}'::text[]) as s (state)
cross join lateral (
    select * from operations
    where tenant = :tenant and state = s.state and workflow = :workflow and about = :about and key = :key
      and state in ('waiting', 'requested', 'running') offset 0) o
order by o.position

-- name: insert_operation
-- Adds an operation, due after a time-out if one is given. A cause that is no operation of this tenant is left out.
insert into operations (tenant, id, kind, workflow, about, key, relationship, parent, child, plan, state, incarnation,
                        actor, created_at, due, requested_after, cause)
select :tenant, :id, :kind, :workflow, :about, :key, :relationship, :parent, :child, :plan, :state, :incarnation,
       :actor, c.now, c.now + :timeout::interval, :requested_after,
       (select id from operations where tenant = :tenant and id = :cause)
from (select clock_timestamp() as now) c
returning *

-- name: notify_operation
-- Adds an outbox row, so that the dispatcher signals the workflow of an operation.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
values (:tenant, :revision, clock_timestamp(), :workflow, :about, :key, '/tether', :id, :fact)
on conflict do nothing

-- name: mark_requested
-- The request is about to be sent to the owner; of a move: from which parent, and after which fact of the child.
update operations
set state = 'requested', requested_at = clock_timestamp(), former_parent = :former_parent,
    requested_after = coalesce(:requested_after, requested_after)
where tenant = :tenant and id = :id
returning *

-- name: renew_request
-- The next request of a move is another one: from the parent that is known by now.
update operations set former_parent = :former_parent, renewals = renewals + 1 where tenant = :tenant and id = :id

-- name: end_operation
-- Ends an operation.
update operations
set state = :state, ended_because = :code, end_details = :details, last_error = :last_error,
    owner_may_still_act = :owner_may_still_act, revision = :revision, ended_at = clock_timestamp(), remaining = 0,
    stuck_since = null, stuck_cause = null, stuck_relationship = null, stuck_details = null
where tenant = :tenant and id = :id

-- name: request_cancellation
-- Records that an operation is to be cancelled; when that was first requested is kept.
update operations set cancelled_at = coalesce(cancelled_at, clock_timestamp())
where tenant = :tenant and id = :id
returning *

-- name: continue_operation
-- Keeps an operation running, or resumes one that had ended, as there are children to process.
update operations set state = 'running', remaining = :remaining, ended_at = null, ended_because = null, end_details = null
where tenant = :tenant and id = :id
returning *

-- name: parked_before_the_horizon
-- Whether a child of a plan is parked whose link was read at a revision before the horizon: whether it has left its parent
-- since cannot be said any more.
select exists (
    select from operations o
    cross join lateral (
        select linked_revision from operation_children c
        where c.tenant = :tenant and c.operation = :id and c.state = 'parked' offset 0) c
    join horizons h on h.tenant = :tenant
    where o.tenant = :tenant and o.id = :id and o.workflow = 'plan' and c.linked_revision < h.revision)

-- name: redrive_children
-- Puts the parked children of an operation back to be requested again; returns how many.
with redriven as (
    update operation_children
    set state = 'failing', attempts = 0, redrives = redrives + 1, last_error = '', park_reason = null, details = null,
        reported_missing = false, changed_at = clock_timestamp()
    where tenant = :tenant and operation = :id and state = 'parked'
    returning 1
)
select count(*) from redriven

-- name: resume_operation
-- Lets an operation run again whose children are to be requested again.
update operations
set state = 'running', last_error = '', ended_at = null, ended_because = null, end_details = null,
    stuck_since = null, stuck_cause = null, stuck_relationship = null, stuck_details = null
where tenant = :tenant and id = :id
returning *
