-- name: count_planned
-- Children that an operation names and that have not been asked for.
select count(*) from operation_children where tenant = $1 and operation = $2 and state in ('planned', 'failing')
