-- Rows of one large tenant, and some of a small one, in every table that grows: enough that a plan which reads a table
-- whole costs more than one that looks rows up, as it does in production.

insert into tenant_revisions select t, 200 from unnest('{main,small}'::text[]) t;

insert into revisions
select t.tenant, n, now(), 'test', 100
from (values ('main', 2000), ('small', 20)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into facts (tenant, source, id, revision, position, type, kind, key, order_key, data, correlation, digest, received)
select t.tenant, case when n % 10 = 0 then '/tether' else 'items' end, 'f' || n, 1 + n % 200, n, 'ItemAdded.v1', 'item',
       'item' || n, '', '{}', case when n % 3 = 0 then 'tether2.o' || n end, '', now()
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into entities (tenant, kind, key, state, data, latest, created, ended, from_revision, to_revision)
select t.tenant, kind, kind || n,
       case when n % 50 = 0 then 'deleted' when n % 20 = 0 then 'unknown' else 'live' end, '{}', '', '', '', 1 + n % 200,
       case when n % 7 = 0 then 201 + n % 100 else 9223372036854775807 end
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n,
     unnest('{item,category}'::text[]) as k (kind);

insert into links (tenant, relationship, child, parent, since, from_revision, to_revision)
select t.tenant, name, 'item' || n, 'category' || n % 3, now(), n % 200,
       case when n % 5 = 0 then 201 + n % 100 else 9223372036854775807 end
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n,
     unnest('{category_item,dest_flight}'::text[]) as r (name);

insert into links (tenant, relationship, child, parent, since, from_revision, to_revision, many)
select t.tenant, 'article_tag', 'article' || n % 500, 'tag' || n, now(), n % 200,
       case when n % 5 = 0 then 201 + n % 100 else 9223372036854775807 end, 'tag' || n
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into element_facts (tenant, relationship, key, element, order_key, added)
select t.tenant, 'article_tag', 'article' || n % 500, 'tag' || n, '', n % 2 = 0
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into activities (tenant, from_revision, to_revision, position, feed, kind, key, happened, happened_nanoseconds,
                        type, source, id)
select t.tenant, 1 + n % 200, case when n % 50 = 0 then 201 + n % 100 else 9223372036854775807 end, n, 'activity',
       'person', 'person' || n % 50, now() + n * interval '1 minute', n % 1000, 'ActivityRecorded.v1', 'items', 'f' || n
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into aliases (tenant, kind, key, survivor, from_revision, to_revision)
select t.tenant, 'item', 'item' || n, 'item' || n % 500, 1 + n % 200,
       case when n % 5 = 0 then 201 + n % 100 else 9223372036854775807 end
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into merge_pairs (tenant, kind, loser, survivor, merged, order_key, source, id)
select t.tenant, 'item', 'item' || n, 'item' || n % 500, n % 4 > 0, '', 'items', 'm' || n
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into merges (tenant, id, kind, survivor, losers, created_at, source, fact, revision)
select t.tenant, 'm' || n, 'item', 'item' || n % 500, array['item' || n], now() - n * interval '1 minute', 'items', 'm' || n,
       1 + n % 200
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into forbidden_pairs (tenant, kind, one, other, forbidden, order_key, source, id)
select t.tenant, 'item', 'item' || n, 'person' || n % 500, n % 4 > 0, '', 'items', 'f' || n
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into waits (tenant, relationship, parent, missing, owner, waiting_since, due, workflow_after,
                   workflow_started_at, overdue_notified_at)
select t.tenant, 'category_item', 'category' || n, case when n % 2 = 0 then 'parent' else 'child' end, 'categories', now(),
       now() + n * interval '1 minute', now() + n * interval '1 minute',
       case when n % 4 < 2 then now() end, case when n % 4 = 0 then now() end
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into counterpart_requests (tenant, relationship, parent, requested_for, correlation)
select t.tenant, 'category_item', 'category' || n, '["first"]', 'c' || n
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into consumers (tenant, name, filter, starts_at, position_revision, position, generation, holder, generation_at,
                       at_risk_seconds, note, actor, created_at)
select 'main', 'consumer' || n, '{}', '-1', 100, 'offset', 1, '', now(), 3600, '', 'test', now() from generate_series(1, 20) n;

insert into webhooks (tenant, consumer, url, secret, batch, consented, state, actor, created_at)
select 'main', 'consumer' || n, 'https://a.example', 'whsec_', 100, true, 'active', 'test', now() from generate_series(1, 20) n;

insert into undelivered (tenant, consumer, item, read_after, subject, state, failures, due)
select 'main', 'consumer7', 'item' || lpad(n::text, 5, '0'), '', 'subject' || n % 3000, case when n % 3 = 0 then 'failing' else 'behind' end,
       1, case when n % 3 = 0 then now() + make_interval(secs => n) end
from generate_series(1, 9000) n;

insert into outbox (tenant, revision, created_at, workflow, about, key, source, id, fact, dispatched_at)
select t.tenant, n, now(), 'relationship', 'category_item', 'category' || n, 'items', 'f' || n, 'ItemAdded.v1',
       case when n % 3 > 0 then now() end
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into operations (tenant, id, kind, workflow, about, key, relationship, parent, child, state, incarnation, cause,
                        actor, created_at, due)
select t.tenant, 'o' || n, w.workflow, w.workflow, 'category_item', 'item' || n, 'category_item', 'category' || n % 3,
       'item' || n, (array['waiting', 'requested', 'running', 'done', 'cancelled', 'done', 'incomplete'])[1 + n % 7],
       case when w.workflow = 'cascade' and n % 2 = 0 then 'first' end, case when n % 9 = 0 then 'o' || n % 90 end,
       'test', now() - n * interval '1 minute', now()
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n,
     lateral (select (array['relationship', 'move', 'cascade', 'plan'])[1 + n % 4] as workflow) w;

insert into operation_children (tenant, operation, relationship, child, parent, state)
select t.tenant, 'o' || n % 10, 'category_item', 'item' || n, 'category1',
       (array['planned', 'failing', 'requested', 'confirmed', 'skipped', 'parked'])[1 + n % 6]
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into idempotency_keys (tenant, actor, idempotency_key, digest, operation)
select t.tenant, 'test', 'k' || n, '', 'o' || n
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into request_bodies
select t.tenant, 'k' || n, '{}'
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into plans (tenant, id, kind, request, revision, hash, report, actor, created_at)
select t.tenant, 'p' || n, 'delete', '{}', 1, '', '{}', 'test', now()
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into quarantine_runs (tenant, id, action, up_to, total, actor, idempotency_key, request_digest, state)
select t.tenant, 'r' || n, 'redrive', n, 1, 'test', 'k' || n, '', case when n % 500 = 0 then 'running' else 'done' end
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into quarantine_run_events (tenant, run, event, outcome)
select t.tenant, 'r' || n % 50, n, 'accepted'
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into quarantine (tenant, digest, reason, raw, received)
select t.tenant, n::text::bytea, 'unknown type', '', now()
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into snapshots (tenant, id, kind, revision, actor, leased_until)
select t.tenant, 's' || n, 'item', n % 200, 'test', now() - n * interval '1 minute'
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

insert into erasures (tenant, id, kind, key, state, reason, actor, idempotency_key, request_digest, owner_state, next_run)
select t.tenant, 'e' || n, 'item', 'item' || n, case when n % 10 = 0 then 'requested' else 'done' end, '', 'test', 'k' || n,
       '', 'none', now() - n * interval '1 minute'
from (values ('main', 5000), ('small', 50)) as t (tenant, rows), generate_series(1, t.rows) n;

analyze;
