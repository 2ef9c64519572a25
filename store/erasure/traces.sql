-- name: activity_to_erase
-- The next facts of activity about an entity, by their order; erased: there is nothing to do with it.
select a.happened, a.happened_nanoseconds, a.position, f.emptied is not distinct from 'erased' or f.position > :last as erased,
       f.source, f.id, f.type, f.kind, f.key, f.sequence, f.data, f.correlation, f.digest, f.emptied
from (
    select happened, happened_nanoseconds, position, source, id from activities
    where tenant = :tenant and kind = :kind and key = :key
      and (happened, happened_nanoseconds, position) > (:happened, :nanoseconds, :position)
    order by happened, happened_nanoseconds, position
    limit :size) a
cross join lateral (
    select * from facts where tenant = :tenant and source = a.source and id = a.id limit 1) f
order by a.happened, a.happened_nanoseconds, a.position

-- name: quarantined_after
-- The next quarantined events. of_erased: the fact that it repeats, or contradicts, was erased.
select q.id, q.type, q.raw, q.raw <> '' and exists (
           select from facts f
           where f.tenant = :tenant and f.source = q.source and f.id = q.event_id and f.emptied = 'erased' offset 0)
       as of_erased
from (select id, source, event_id, type, raw from quarantine
      where tenant = :tenant and id > :after
      order by id
      limit :size) q
order by q.id

-- name: empty_quarantined
-- Empties these quarantined events. Their digests stay: a repeat is counted, and not kept again.
update quarantine q set raw = '', reason = :reason, code = 'erased', field = ''
from unnest(:ids::bigint[]) as w (id)
where q.tenant = :tenant and q.id = w.id

-- name: forget_bodies
-- Of the next request bodies, deletes those that name a key, and those of requests that an entity led to; returns the last
-- of them, and how many are gone.
with page as materialized (
    select idempotency_key, fields, cause from request_bodies
    where tenant = :tenant and idempotency_key > :after
    order by idempotency_key
    limit :size
), gone as (
    delete from request_bodies b using page p
    where b.tenant = :tenant and b.idempotency_key = p.idempotency_key
      and (p.cause = :kind || '/' || :key or exists (select from json_each_text(p.fields) f where f.value = :key))
    returning 1
)
select max(idempotency_key) as last, (select count(*) from gone) as rows from page

-- name: merges_with_reasons
-- The next merges, each with whether it names a key and has a reason.
select m.id, m.kind = :kind and m.reason <> '' and (m.survivor = :key or :key = any(m.losers)) as named
from (select id, kind, reason, survivor, losers from merges
      where tenant = :tenant and id > :after
      order by id
      limit :size) m
order by m.id

-- name: empty_merge_reasons
-- Empties why these merges were made; returns the facts that say so and whose data was not erased yet.
with emptied as (
    update merges m set reason = ''
    from unnest(:ids::text[]) as w (id)
    where m.tenant = :tenant and m.id = w.id
    returning m.id, m.kind, m.survivor, m.source, m.fact
)
select f.source, f.id, f.type, f.kind, f.key, f.sequence, f.data, f.correlation, f.digest, f.emptied, '' as about
from emptied e
cross join lateral (
    select * from facts where tenant = :tenant and source = e.source and id = e.fact limit 1) f
where f.emptied is distinct from 'erased'
union all
select f.source, f.id, f.type, f.kind, f.key, f.sequence, f.data, f.correlation, f.digest, f.emptied, ''
from emptied e
cross join lateral (
    select * from facts
    where tenant = :tenant and kind = e.kind and key = e.survivor and source = '/tether'
      and type in ('Merged.v1', 'Unmerged.v1') and data ->> 'merge' = e.id and id is distinct from e.fact offset 0) f
where f.emptied is distinct from 'erased'

-- name: facts_of_pairs
-- The last facts about pairs of an entity with others, that were not erased yet: that they are merged, or never must be.
select f.source, f.id, f.type, f.kind, f.key, f.sequence, f.data, f.correlation, f.digest, f.emptied, '' as about
from (
    select source, id from merge_pairs where tenant = :tenant and kind = :kind and loser = :key
    union
    select source, id from merge_pairs where tenant = :tenant and kind = :kind and survivor = :key
    union
    select source, id from forbidden_pairs where tenant = :tenant and kind = :kind and one = :key
    union
    select source, id from forbidden_pairs where tenant = :tenant and kind = :kind and other = :key) p
cross join lateral (
    select * from facts where tenant = :tenant and source = p.source and id = p.id limit 1) f
where f.emptied is distinct from 'erased' and f.position <= :last

-- name: empty_words_of_waits
-- Empties what owners said about the missing children, or the missing parent, of an entity.
with emptied as (
    update waits w set last_error = ''
    from unnest(:as_parent::text[]) as r (name)
    cross join lateral (
        select ctid from waits
        where tenant = :tenant and relationship = r.name and parent = :key and last_error <> '' limit 1) x
    where w.ctid = x.ctid
    returning 1
)
select count(*) from emptied

-- name: empty_words_of_operations
-- Empties what owners said in operations on an entity, on its links as a child or a parent, on it as one of many children,
-- and in merges of it.
with emptied as (
    update operations o set last_error = ''
    where o.tenant = :tenant and o.last_error <> ''
      and (o.about = any(:subjects::text[]) and coalesce(o.child, o.key) = :key
           or o.parent = :key
           or exists (select from operation_children c
                      where c.tenant = :tenant and c.operation = o.id and c.child = :key offset 0)
           or exists (select from merges m
                      where m.tenant = :tenant and m.id = o.id and (m.survivor = :key or :key = any(m.losers)) offset 0)
           or exists (select from merges m
                      where m.tenant = :tenant and m.operation = o.id and (m.survivor = :key or :key = any(m.losers))
                      offset 0))
    returning 1
)
select count(*) from emptied

-- name: empty_words_of_children
-- Empties what owners said about an entity as the child of operations.
with emptied as (
    update operation_children c set last_error = ''
    where c.tenant = :tenant and c.child = :key and c.last_error <> ''
    returning 1
)
select count(*) from emptied

-- name: empty_words_of_undelivered
-- Empties what receivers said about items of the feed.
with emptied as (
    update undelivered u set words = ''
    from consumers c
    where c.tenant = :tenant and u.tenant = c.tenant and u.consumer = c.name and u.words <> ''
    returning 1
)
select count(*) from emptied

-- name: empty_words_of_attempts
-- Empties what receivers answered.
with emptied as (
    update delivery_attempts set words = '' where tenant = :tenant and words <> '' returning 1
)
select count(*) from emptied

-- name: empty_words_of_webhooks
-- Empties what receivers answered, in why deliveries have failed or are disabled.
with emptied as (
    update webhooks set reason = regexp_replace(reason, '(answered [0-9]+|no answer): .*$', '\1')
    where tenant = :tenant and reason ~ '(answered [0-9]+|no answer): '
    returning 1
)
select count(*) from emptied
