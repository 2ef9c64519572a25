-- name: undelivered_page
-- A page of the items of a consumer that are not delivered, in the order of the feed.
select item, subject, state, failures, due, failed_at, status, words
from undelivered
where tenant = :tenant and consumer = :consumer and item > :after
order by item
limit :size

-- name: last_attempts
-- The last requests to the receiver of a consumer, the newest first.
select number, at, first_item, last_item, items, outcome, status, words, milliseconds
from delivery_attempts
where tenant = :tenant and consumer = :consumer
order by number desc

-- name: redrive_items
-- Lets items that are parked or failing be tried at once; null: all of them. Returns how many.
with redriven as (
    update undelivered
    set state = 'failing', due = clock_timestamp(), failures = 0
    where tenant = :tenant and consumer = :consumer and (:items::text[] is null or item = any (:items::text[]))
      and state in ('parked', 'failing')
    returning item
)
select count(*) from redriven

-- name: items_to_discard
-- Those of these items that are parked or failing; null: all that are parked.
select array_agg(item)
from undelivered
where tenant = :tenant and consumer = :consumer
  and case when :items::text[] is null then state = 'parked'
           else item = any (:items::text[]) and state in ('parked', 'failing') end

-- name: add_resend
-- Lets an item that was delivered be delivered once more; no row if it is not delivered yet.
insert into undelivered (tenant, consumer, item, read_after, subject, state, failures, due)
select :tenant, :consumer, :item, :read_after, '', 'resend', 0, clock_timestamp()
from consumers
where tenant = :tenant and name = :consumer and :item <= position
on conflict (tenant, consumer, item) do nothing
returning item

-- name: forget_undelivered_after
-- Forgets the undelivered items after a position.
delete from undelivered where tenant = :tenant and consumer = :consumer and item > :position

-- name: revision_is_before
-- Whether a revision, or the first one after it, was written before a time.
select at < :at from revisions where tenant = :tenant and revision >= :revision order by revision limit 1
