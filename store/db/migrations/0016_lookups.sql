-- Deletions that were cancelled after their request had been sent: looked up under the tenant's lock when an entity of
-- theirs is deleted (bind_cancelled).
create index operations_cancelled on operations (tenant, workflow, about, key)
    where state = 'cancelled' and incarnation is null;

-- Each fits only the look-ups that it is for: of those by the parent alone, or by the child alone, the other index would
-- read all operations of the relationship.
drop index operations_of_parent, operations_of_child;
create index operations_of_parent on operations (tenant, relationship, parent)
    where state in ('waiting', 'requested') and parent is not null;
create index operations_of_child on operations (tenant, relationship, child)
    where state in ('waiting', 'requested') and child is not null;

-- What the planner shall believe before the first ANALYZE, as in 0002, of the tables that it was not given for yet.
do $$
declare
    known record;
begin
    if current_setting('server_version_num')::int < 180000 then
        return;
    end if;
    for known in
        select * from (values
            ('waits', 'tenant', 10, 0), ('waits', 'relationship', 20, 0), ('waits', 'parent', -0.5, 0),
            ('waits', 'workflow_started_at', -0.1, 0.5), ('waits', 'overdue_notified_at', -0.1, 0.9),
            ('outbox', 'tenant', 1, 0), ('outbox', 'workflow', 4, 0), ('outbox', 'about', 20, 0),
            ('outbox', 'key', -0.5, 0), ('outbox', 'source', 20, 0), ('outbox', 'id', -0.5, 0),
            ('quarantine', 'tenant', 1, 0), ('quarantine', 'id', -1, 0), ('quarantine', 'digest', -1, 0),
            ('plans', 'tenant', 1, 0), ('plans', 'id', -1, 0),
            ('idempotency_keys', 'tenant', 1, 0), ('idempotency_keys', 'actor', 20, 0),
            ('idempotency_keys', 'idempotency_key', -0.9, 0),
            ('request_bodies', 'tenant', 1, 0), ('request_bodies', 'idempotency_key', -0.9, 0),
            ('revisions', 'tenant', 1, 0), ('revisions', 'revision', -0.9, 0)
        ) as k (relation, attribute, n_distinct, null_frac)
    loop
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', known.relation::text, 'attname', known.attribute::text,
            'inherited', false, 'null_frac', known.null_frac::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real);
    end loop;
end $$;

-- Why a request for a missing child was not sent yet: values instead of a sentence.
alter table waits add column missing_links text[] not null default '{}';
comment on column waits.missing_links is 'The relationships whose links have to come first, because the request needs a key that is found through them; empty: none is known to be missing.';
comment on column waits.last_error is 'What the owner of the missing entity, or the connection to it, said last; empty: nothing. For people only.';
update waits
set missing_links = string_to_array(regexp_replace(last_error, ' comes first$', ''), ' and '), last_error = ''
where last_error ~ '^[a-z][a-z0-9_]*( and [a-z][a-z0-9_]*)* comes first$';
comment on column plans.report is 'What the plan found: parts, reasons why it cannot be executed (codes and details; plans of earlier versions have sentences), and the incarnation of its entity.';
