-- Deletions that were cancelled after their request had been sent: looked up under the tenant's lock when an entity of
-- theirs is deleted (bind_cancelled).
create index operations_cancelled on operations (tenant, workflow, about, key)
    where state = 'cancelled' and incarnation is null;

-- Why a request for a missing child was not sent yet: values instead of a sentence.
alter table waits add column missing_links text[] not null default '{}';
comment on column waits.missing_links is 'The relationships whose links have to come first, because the request needs a key that is found through them; empty: none is known to be missing.';
comment on column waits.last_error is 'What the owner of the missing entity, or the connection to it, said last; empty: nothing. For people only.';
update waits
set missing_links = string_to_array(regexp_replace(last_error, ' comes first$', ''), ' and '), last_error = ''
where last_error ~ '^[a-z][a-z0-9_]*( and [a-z][a-z0-9_]*)* comes first$';
comment on column plans.report is 'What the plan found: parts, reasons why it cannot be executed (codes and details; plans of earlier versions have sentences), and the incarnation of its entity.';
