-- name: consumer_is_registered
-- Whether there is a consumer of this name; it is not deleted before the transaction ends.
select true from consumers where tenant = :tenant and name = :name for key share

-- name: put_webhook
-- Sets the webhook of a consumer; returns whether it is new.
insert into webhooks as w (tenant, consumer, url, secret, batch, consented, state, actor, created_at)
values (:tenant, :consumer, :url, :secret, :batch, :consented, 'active', :actor, clock_timestamp())
on conflict (tenant, consumer) do update
set url = excluded.url, batch = excluded.batch, actor = excluded.actor,
    secret = case when :keep_secret then w.secret else excluded.secret end,
    former_secret = case when :keep_secret then w.former_secret end,
    former_until = case when :keep_secret then w.former_until end,
    consented = excluded.consented or (w.consented and w.url = excluded.url),
    state = case when w.url = excluded.url then w.state else 'active' end,
    reason = case when w.url = excluded.url then w.reason else '' end,
    failures = case when w.url = excluded.url then w.failures else 0 end,
    failing_since = case when w.url = excluded.url then w.failing_since end,
    several_failed = w.several_failed and w.url = excluded.url,
    retry_at = case when w.url = excluded.url then w.retry_at end
returning w.xmax = 0

-- name: webhook
-- The webhook of a consumer, with the numbers of its undelivered items up to 1,000 of each state.
select w.consumer, w.url, w.batch, w.consented, w.state, w.reason, w.failures, w.failing_since, w.retry_at,
       case when w.former_until > clock_timestamp() then w.former_until end as former_until,
       u.failing, u.behind, u.parked, w.actor, w.created_at
from webhooks w
cross join lateral (
    select count(*) filter (where state = 'failing') as failing, count(*) filter (where state = 'behind') as behind,
           count(*) filter (where state = 'parked') as parked
    from (select state from undelivered where tenant = :tenant and consumer = :consumer order by item limit 1000) i) u
where w.tenant = :tenant and w.consumer = :consumer

-- name: delete_webhook
-- Deletes the webhook of a consumer; no row if it has none.
delete from webhooks where tenant = :tenant and consumer = :consumer returning consumer

-- name: rotate_secret
-- Replaces the secret of a webhook. The former one signs as well for some time.
update webhooks
set former_secret = secret, former_until = clock_timestamp() + :grace::interval, secret = :secret
where tenant = :tenant and consumer = :consumer
returning consumer

-- name: enable_webhook
-- Lets deliveries begin again at once.
update webhooks
set state = 'active', reason = '', failures = 0, failing_since = null, several_failed = false, retry_at = null
where tenant = :tenant and consumer = :consumer

-- name: lock_webhook
-- Locks the webhook of a consumer.
select consumer from webhooks where tenant = :tenant and consumer = :consumer for update

-- name: notify_webhook
-- Adds an outbox row for the workflow that delivers to a consumer, so that it looks at once.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
values (:tenant, 0, clock_timestamp(), 'delivery', 'webhook', :consumer, '/tether', gen_random_uuid()::text,
        'DeliveryChanged')

-- name: notify_deliveries
-- Adds outbox rows for webhooks that have something to deliver, or to retry, and no such row.
insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact)
select w.tenant, 0, clock_timestamp(), 'delivery', 'webhook', w.consumer, '/tether', '', 'FeedAdvanced'
from webhooks w
cross join lateral (
    select c.position_revision from consumers c where c.tenant = w.tenant and c.name = w.consumer) c
cross join lateral (select r.revision from tenant_revisions r where r.tenant = w.tenant) r
left join lateral (
    select true as notified from outbox o
    where o.tenant = w.tenant and o.workflow = 'delivery' and o.about = 'webhook' and o.key = w.consumer limit 1) o on true
left join lateral (
    select true as due from undelivered u
    where u.tenant = w.tenant and u.consumer = w.consumer and u.due is not null limit 1) u on true
where w.state = 'active' and (c.position_revision <= r.revision or u.due) and o.notified is null
limit :size
on conflict do nothing
