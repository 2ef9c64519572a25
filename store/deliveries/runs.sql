-- name: delivery_look
-- What is to be delivered to a consumer, as it is now; no row if it has no webhook.
select w.url, array_remove(array[w.secret, case when w.former_until > n.now then w.former_secret end], null) as secrets,
       w.batch, w.consented, w.state, w.reason, w.failures, w.failing_since, w.retry_at, c.filter, c.position, c.generation,
       c.position_revision, r.revision as head, n.now, i.due, f.item, f.read_after, f.subject, f.item_state,
       f.item_failures
from webhooks w
cross join lateral (select clock_timestamp() as now) n
cross join lateral (
    select filter, position, generation, position_revision from consumers c
    where c.tenant = w.tenant and c.name = w.consumer) c
left join lateral (select revision from tenant_revisions r where r.tenant = w.tenant) r on true
left join lateral (
    select min(u.due) as due from undelivered u
    where u.tenant = w.tenant and u.consumer = w.consumer and u.due is not null) i on true
left join lateral (
    select u.item, u.read_after, u.subject, u.state as item_state, u.failures as item_failures from undelivered u
    where u.tenant = w.tenant and u.consumer = w.consumer and u.due <= n.now order by u.due limit 1) f on true
where w.tenant = :tenant and w.consumer = :consumer

-- name: held_subjects
-- Those of these subjects of which an earlier item is not delivered.
select array_agg(s.subject)
from unnest(:subjects::text[]) as s (subject)
cross join lateral (
    select from undelivered u
    where u.tenant = :tenant and u.consumer = :consumer and u.subject = s.subject and u.state <> 'resend' limit 1) u

-- name: count_undelivered
-- How many items of a consumer are not delivered, up to a number.
select count(*) from (select from undelivered where tenant = :tenant and consumer = :consumer limit :most) u

-- name: advance_delivery
-- Moves the position of a consumer forward, in the generation in which the items were read; no row if it is another one.
update consumers
set position_revision = :revision, position = :position, acknowledged_at = clock_timestamp()
where tenant = :tenant and name = :consumer and generation = :generation
returning name

-- name: add_undelivered
-- Adds items that were not accepted, or that follow such an item of the same subject.
insert into undelivered (tenant, consumer, item, read_after, subject, state, failures, due, failed_at, status, words)
select :tenant, :consumer, u.item, u.read_after, u.subject, u.state, case when u.state = 'failing' then 1 else 0 end,
       case when u.state = 'failing' then clock_timestamp() + :pause::interval end,
       case when u.state = 'failing' then clock_timestamp() end, u.status, u.words
from unnest(:items::text[], :after::text[], :subjects::text[], :states::text[], :statuses::integer[], :words::text[])
     as u (item, read_after, subject, state, status, words)
on conflict (tenant, consumer, item) do nothing

-- name: let_first_items_be_tried
-- Lets the first item of each of these subjects be tried, if it is held back behind one that was removed while its page was
-- under way: nothing else would come to it.
update undelivered u set state = 'failing', due = clock_timestamp()
from unnest(:subjects::text[]) as s (subject)
cross join lateral (
    select n.ctid, n.state from undelivered n
    where n.tenant = :tenant and n.consumer = :consumer and n.subject = s.subject and n.state <> 'resend'
    order by n.item limit 1) n
where u.ctid = n.ctid and n.state = 'behind'

-- name: receiver_answers
-- Records that the receiver at a URL has accepted something; nothing if it is another one by now. Items that failed since it began to fail are tried again at once.
with recovered as (
    update undelivered u set due = clock_timestamp()
    from webhooks w
    where w.tenant = :tenant and w.consumer = :consumer and w.url = :url and w.failing_since is not null
      and u.tenant = w.tenant and u.consumer = w.consumer and u.due is not null and u.failed_at >= w.failing_since
)
update webhooks
set failures = 0, failing_since = null, several_failed = false, retry_at = null, reason = '', consented = true
where tenant = :tenant and consumer = :consumer and url = :url

-- name: receiver_is_suspected
-- Records that an item failed, alone, and that nothing was accepted since.
update webhooks set failing_since = clock_timestamp(), reason = :reason
where tenant = :tenant and consumer = :consumer and url = :url and failing_since is null

-- name: receiver_failed
-- Records that a receiver failed at everything, and when it is tried again. Returns how often in a row, and whether
-- that has gone on for so long, with different items, that it is given up.
update webhooks
set failures = failures + 1, failing_since = coalesce(failing_since, clock_timestamp()), reason = :reason,
    several_failed = several_failed or :several,
    retry_at = clock_timestamp() + greatest((:pauses::interval[])[least(failures + 1, cardinality(:pauses::interval[]))],
                                            :retry_after::interval)
where tenant = :tenant and consumer = :consumer and url = :url
returning failures, (several_failed or :several) and failing_since < clock_timestamp() - :give_up::interval as given_up

-- name: disable_webhook
-- Disables the deliveries to a consumer; no row if they are.
update webhooks set state = 'disabled', reason = :reason, retry_at = null
where tenant = :tenant and consumer = :consumer and url = :url and state = 'active'
returning consumer

-- name: item_failed
-- Records that an item failed again, and when it is tried next; null: never. Returns how often it has failed.
update undelivered
set failures = failures + 1, failed_at = clock_timestamp(), status = :status, words = :words,
    due = clock_timestamp() + greatest((:pauses::interval[])[failures + 1], :retry_after::interval)
where tenant = :tenant and consumer = :consumer and item = :item
returning failures

-- name: park_item
-- Parks an item that has failed as often as it is tried.
update undelivered set state = 'parked', due = null
where tenant = :tenant and consumer = :consumer and item = :item

-- name: remove_undelivered
-- Removes items that were delivered, or are dropped; then the next item of each subject has its turn.
with removed as (
    delete from undelivered
    where tenant = :tenant and consumer = :consumer and item = any (:items::text[])
    returning subject, item, state
)
update undelivered u set state = 'failing', due = clock_timestamp()
from (select distinct subject from removed where state <> 'resend') s
cross join lateral (
    select n.ctid, n.state from undelivered n
    where n.tenant = :tenant and n.consumer = :consumer and n.subject = s.subject and n.state <> 'resend'
      and n.item <> all (:items::text[])
    order by n.item limit 1) n
where u.ctid = n.ctid and n.state = 'behind'

-- name: add_attempts
-- Adds attempts to the ring of the last ones.
with numbered as (
    update webhooks set attempts = attempts + cardinality(:outcomes::text[])
    where tenant = :tenant and consumer = :consumer
    returning attempts - cardinality(:outcomes::text[]) as before
)
insert into delivery_attempts as d (tenant, consumer, slot, number, at, first_item, last_item, items, outcome, status, words,
                                    milliseconds)
select :tenant, :consumer, (n.before + a.n) % :size::integer, n.before + a.n, clock_timestamp(), a.first_item, a.last_item,
       a.items, a.outcome, a.status, a.words, a.milliseconds
from numbered n
cross join unnest(:first_items::text[], :last_items::text[], :items::integer[], :outcomes::text[], :statuses::integer[],
                  :words::text[], :milliseconds::integer[])
     with ordinality as a (first_item, last_item, items, outcome, status, words, milliseconds, n)
on conflict (tenant, consumer, slot) do update
set number = excluded.number, at = excluded.at, first_item = excluded.first_item, last_item = excluded.last_item,
    items = excluded.items, outcome = excluded.outcome, status = excluded.status, words = excluded.words,
    milliseconds = excluded.milliseconds

-- name: next_delivery
-- When there is something to deliver to a consumer or to retry, by the clock of the database; null: nothing, or its webhook
-- is disabled or deleted.
select case when w.state = 'active' then
           greatest(w.retry_at, least(case when c.position_revision <= r.revision then n.now end, u.due)) end as next,
       n.now
from (select clock_timestamp() as now) n
left join lateral (
    select state, retry_at from webhooks where tenant = :tenant and consumer = :consumer) w on true
left join lateral (
    select position_revision from consumers where tenant = :tenant and name = :consumer) c on true
left join lateral (select revision from tenant_revisions where tenant = :tenant) r on true
left join lateral (
    select min(due) as due from undelivered
    where tenant = :tenant and consumer = :consumer and due is not null) u on true
