-- Reads activity in the order in which it happened: of each key from a place on, so many rows of the index. Whether a row
-- is wanted is a column, not a condition, so that no page reads more rows than it is meant to.

-- name: activity_before
-- Of each key: rows of activity before a place, the newest first, not before a time.
select w.n, a.happened, a.happened_nanoseconds, a.position, a.from_revision,
       a.from_revision <= :revision and a.to_revision > :revision
       and (:types::text[] is null or a.type = any(:types)) and (:sources::text[] is null or a.source = any(:sources))
           as wanted
from unnest(:keys::text[], :times::timestamptz[], :nanoseconds::smallint[], :positions::bigint[], :sizes::bigint[])
     with ordinality as w (key, happened, happened_nanoseconds, position, size, n)
cross join lateral (
    select * from activities
    where tenant = :tenant and kind = :kind and key = w.key
      and (happened, happened_nanoseconds, position) < (w.happened, w.happened_nanoseconds, w.position)
      and (happened, happened_nanoseconds) >= (:end_time::timestamptz, :end_nanoseconds::smallint)
    order by happened desc, happened_nanoseconds desc, position desc
    limit w.size) a

-- name: activity_after
-- Of each key: rows of activity after a place, the oldest first, before a time.
select w.n, a.happened, a.happened_nanoseconds, a.position, a.from_revision,
       a.from_revision <= :revision and a.to_revision > :revision
       and (:types::text[] is null or a.type = any(:types)) and (:sources::text[] is null or a.source = any(:sources))
           as wanted
from unnest(:keys::text[], :times::timestamptz[], :nanoseconds::smallint[], :positions::bigint[], :sizes::bigint[])
     with ordinality as w (key, happened, happened_nanoseconds, position, size, n)
cross join lateral (
    select * from activities
    where tenant = :tenant and kind = :kind and key = w.key
      and (happened, happened_nanoseconds, position) > (w.happened, w.happened_nanoseconds, w.position)
      and (happened, happened_nanoseconds) < (:end_time::timestamptz, :end_nanoseconds::smallint)
    order by happened, happened_nanoseconds, position
    limit w.size) a

-- name: activity_items
-- These rows of activity with the data of their facts, in the order given, up to the one whose data reaches :room bytes.
-- The size of data that is not compressed is known without reading it.
select feed, subject, origin, happened, happened_nanoseconds, position, revision, received, type, source, id, data, size
from (
    select r.*, sum(r.size) over (order by r.n rows unbounded preceding) - r.size as before
    from (
        select w.n, a.feed, f.key as subject, a.key as origin, a.happened, a.happened_nanoseconds, a.position,
               a.from_revision as revision, f.received, a.type, a.source, a.id, f.data, z.size
        from unnest(:revisions::bigint[], :positions::bigint[]) with ordinality as w (revision, position, n)
        cross join lateral (
            select * from activities
            where tenant = :tenant and from_revision = w.revision and position = w.position limit 1) a
        cross join lateral (
            select * from facts where tenant = :tenant and source = a.source and id = a.id limit 1) f
        cross join lateral (
            select case when pg_column_compression(f.data) is null then pg_column_size(f.data)
                        else octet_length(f.data::text) end as size) z) r) s
where before < :room
order by n

-- name: has_activity
-- Whether any activity of an entity was recorded up to a revision.
select exists (
    select from activities where tenant = :tenant and kind = :kind and key = :key and from_revision <= :revision)
