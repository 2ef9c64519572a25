-- name: activity_ledger
-- The facts of some types, in no particular order.
select source, id, type, kind, key, time, time_nanoseconds, data, position, received, sequence, digest, emptied
from facts
where tenant = :tenant and type = any(:types::text[])

-- name: activity_rows
-- The rows of activity of some types at a revision, in no particular order.
select kind, key, happened, happened_nanoseconds, position, feed, type, source, id
from activities
where tenant = :tenant and type = any(:types::text[]) and from_revision <= :revision and to_revision > :revision
