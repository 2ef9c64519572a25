-- name: consumer
-- A consumer with its lag and state.
select * from consumer_status where tenant = :tenant and name = :name

-- name: consumers_page
-- A page of the consumers of a tenant, by name, with their lags and states.
select * from consumer_status where tenant = :tenant and name > :after order by name limit :size

-- name: next_generation
-- A generation of the tenant that no consumer has had, not before a restore either: the first one of an epoch follows from
-- its number, so that JavaScript can count it, and a million of them in each minute do not reach the next one's.
insert into consumer_generations as g (tenant, generation)
select :tenant, ((coalesce((select revision from newest_epoch), 0) >> :bits::integer) << 20) + 1
on conflict (tenant) do update set generation = greatest(g.generation + 1, excluded.generation)
returning generation

-- name: add_consumer
-- Registers a consumer. There is none of this name.
insert into consumers (tenant, name, filter, starts_at, position_revision, position, generation, holder, generation_at,
                       at_risk_seconds, note, actor, created_at)
values (:tenant, :name, :filter::json, :starts_at, :revision, :position, :generation, :actor, clock_timestamp(),
        :at_risk_seconds, :note, :actor, clock_timestamp())

-- name: describe_consumer
-- Changes what is said of a consumer.
update consumers
set filter = :filter::json, starts_at = :starts_at, at_risk_seconds = :at_risk_seconds, note = :note
where tenant = :tenant and name = :name

-- name: begin_generation
-- Begins a generation of a consumer, at its position.
update consumers set generation = :generation, holder = :holder, generation_at = clock_timestamp()
where tenant = :tenant and name = :name

-- name: begin_generation_elsewhere
-- Begins a generation of a consumer at another position, which may be an earlier one.
update consumers
set generation = :generation, holder = :holder, generation_at = clock_timestamp(),
    position_revision = :revision, position = :position, acknowledged_at = null
where tenant = :tenant and name = :name

-- name: delete_consumer
-- Deletes a consumer; no row if there is none.
delete from consumers where tenant = :tenant and name = :name returning name
