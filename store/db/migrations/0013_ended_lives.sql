-- Children of a life that ended, of an entity that was created again: distinguished from those of the new life by the
-- arrival of the facts that name the parent; and counted as requested if a request left, whatever became of it.

create function naming_position(data json, older jsonb, latest bytea, refs jsonb, relationship text, field text)
returns bigint immutable language sql
return ('x' || right(encode(greatest(
    case when field is not null and data -> field is not null then coalesce(decode(older ->> field, 'hex'), latest) end,
    decode(refs -> relationship ->> 0, 'hex')), 'hex'), 16))::bit(64)::bigint;
comment on function naming_position is 'The position in the ledger of the fact by which a live entity names its parent in a relationship: the last part of its order key. Takes columns of entities; field: the one that names the parent, null: there is none.';

alter table operation_children add column sent boolean not null default false;
comment on column operation_children.sent is 'Its owner may have received a request since the child was begun. One that is skipped after that counts as requested.';
comment on column operation_children.skip_reason is 'Of a skipped child, a code of messages/child_reasons.py; null: it was no longer in its parent.';

create or replace view child_transitions (before, after, found, requested, confirmed, skipped, parked) as values
    ('none',       'listed',     1,  0, 0, 0,  0),
    ('none',       'planned',    1,  0, 0, 0,  0),
    ('none',       'skipped',    1,  0, 0, 1,  0),
    ('confirmed',  'planned',    1,  0, 0, 0,  0),
    ('skipped',    'planned',    1,  0, 0, 0,  0),
    ('listed',     'requested',  0,  1, 0, 0,  0),
    ('planned',    'requested',  0,  1, 0, 0,  0),
    ('failing',    'requested',  0,  1, 0, 0,  0),
    ('unanswered', 'requested',  0,  1, 0, 0,  0),
    ('requested',  'failing',    0, -1, 0, 0,  0),
    ('requested',  'unanswered', 0, -1, 0, 0,  0),
    ('listed',     'parked',     0,  0, 0, 0,  1),
    ('planned',    'parked',     0,  0, 0, 0,  1),
    ('failing',    'parked',     0,  0, 0, 0,  1),
    ('unanswered', 'parked',     0,  0, 0, 0,  1),
    ('requested',  'parked',     0, -1, 0, 0,  1),
    ('parked',     'failing',    0,  0, 0, 0, -1),
    ('parked',     'unanswered', 0,  0, 0, 0, -1),
    ('listed',     'confirmed',  0,  0, 1, 0,  0),
    ('planned',    'confirmed',  0,  1, 1, 0,  0),
    ('failing',    'confirmed',  0,  1, 1, 0,  0),
    ('unanswered', 'confirmed',  0,  1, 1, 0,  0),
    ('requested',  'confirmed',  0,  0, 1, 0,  0),
    ('parked',     'confirmed',  0,  0, 1, 0, -1),
    ('listed',     'skipped',    0,  0, 0, 1,  0),
    ('planned',    'skipped',    0,  0, 0, 1,  0),
    ('failing',    'skipped',    0,  0, 0, 1,  0),
    ('unanswered', 'skipped',    0,  1, 0, 1,  0),
    ('requested',  'skipped',    0,  0, 0, 1,  0),
    ('parked',     'skipped',    0,  0, 0, 1, -1);
comment on view child_transitions is 'What a child''s change of state adds to the sums of its operation; a change that is not listed adds nothing. none: the row is new. listed: planned, and no request was begun yet. unanswered: failing, and a request may have reached the owner. A child that is confirmed before the reply to its request has been stored counts as requested as well.';

create function child_stage(state text, reference bytea, sent boolean) returns text immutable language sql
return case when state = 'planned' and reference = '' then 'listed'
            when state = 'failing' and sent then 'unanswered'
            else state end;
comment on function child_stage(text, bytea, boolean) is 'The state of a child, by the names of child_transitions.';

create or replace function count_children() returns trigger language plpgsql as $$
declare
    changes child_change[];
begin
    if tg_op = 'INSERT' then
        select array_agg((c.tenant, c.operation, 'none', c.after, c.children)::child_change) into changes
        from (select tenant, operation, child_stage(state, reference, sent) as after, count(*) as children
              from rows_after group by 1, 2, 3) c;
    else
        select array_agg((c.tenant, c.operation, c.before, c.after, c.children)::child_change) into changes
        from (select tenant, operation, before, after, count(*) as children
              from (select tenant, operation, max(before) as before, max(after) as after
                    from (select tenant, operation, relationship, child,
                                 child_stage(state, reference, sent) as before, null as after
                          from rows_before
                          union all
                          select tenant, operation, relationship, child, null, child_stage(state, reference, sent)
                          from rows_after) r
                    group by tenant, operation, relationship, child) p
              group by 1, 2, 3, 4) c;
    end if;
    update operations o
    set found = o.found + case when o.workflow = 'plan' and tg_op = 'UPDATE' then 0 else s.found end,
        remaining = greatest(o.remaining - s.found, 0),
        requested = o.requested + s.requested,
        confirmed = o.confirmed + s.confirmed,
        skipped = o.skipped + s.skipped,
        parked = o.parked + s.parked
    from (select c.tenant, c.operation,
                 sum(c.children * t.found) as found, sum(c.children * t.requested) as requested,
                 sum(c.children * t.confirmed) as confirmed, sum(c.children * t.skipped) as skipped,
                 sum(c.children * t.parked) as parked
          from unnest(changes) c
          join child_transitions t on t.before = c.before and t.after = c.after
          group by c.tenant, c.operation) s
    where o.tenant = s.tenant and o.id = s.operation;
    return null;
end $$;
drop function child_stage(text, bytea);
