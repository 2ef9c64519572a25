-- name: begin_snapshot_row
-- Begins a snapshot of a tenant at a revision, leased for some seconds, and forgets those that were given up a month ago.
with forgotten as (
    delete from snapshots where tenant = :tenant and leased_until < (select clock_timestamp() - interval '30 days')
)
insert into snapshots (tenant, kind, relationship, replica, revision, actor, leased_until)
values (:tenant, :kind, :relationship, :replica, :revision, :actor,
        clock_timestamp() + make_interval(secs => :lease))
returning id

-- name: count_snapshot_row
-- Notes how many rows a snapshot has.
update snapshots set total = :total where tenant = :tenant and id = :id

-- name: find_snapshot_row
-- One snapshot, with the time of its revision (null: nothing was ever written), and with whether it is leased still.
select s.id, s.kind, s.relationship, s.replica, s.revision, r.at as time, s.actor, s.total, s.rows_sent, s.started_at,
       s.last_read_at, s.leased_until, s.ended_at, s.leased_until > clock_timestamp() as leased, s.counted_key,
       s.counted_rows, s.counted_sum
from snapshots s
left join lateral (select at from revisions where tenant = :tenant and revision = s.revision) r on true
where s.tenant = :tenant and s.id = :id

-- name: prolong_snapshot_row
-- Notes that a snapshot is being read, how many rows there are up to a key and the sum of their hashes, and prolongs its
-- lease by some seconds from now on.
update snapshots
set rows_sent = rows_sent + :rows, last_read_at = clock_timestamp(),
    leased_until = clock_timestamp() + make_interval(secs => :lease),
    counted_key = greatest(counted_key, :key),
    counted_rows = case when :key > counted_key then :counted else counted_rows end,
    counted_sum = case when :key > counted_key then :sum::text::numeric else counted_sum end,
    ended_at = case when :ended then clock_timestamp() else ended_at end
where tenant = :tenant and id = :id
