-- The sums of an operation follow from the states of its children: one table of rules, and one trigger that applies it.

create view child_transitions (before, after, found, requested, confirmed, skipped, parked) as values
    ('none',      'listed',    1,  0, 0, 0,  0),
    ('none',      'planned',   1,  0, 0, 0,  0),
    ('confirmed', 'planned',   1,  0, 0, 0,  0),
    ('skipped',   'planned',   1,  0, 0, 0,  0),
    ('listed',    'requested', 0,  1, 0, 0,  0),
    ('planned',   'requested', 0,  1, 0, 0,  0),
    ('failing',   'requested', 0,  1, 0, 0,  0),
    ('requested', 'failing',   0, -1, 0, 0,  0),
    ('listed',    'parked',    0,  0, 0, 0,  1),
    ('planned',   'parked',    0,  0, 0, 0,  1),
    ('failing',   'parked',    0,  0, 0, 0,  1),
    ('requested', 'parked',    0, -1, 0, 0,  1),
    ('parked',    'failing',   0,  0, 0, 0, -1),
    ('listed',    'confirmed', 0,  0, 1, 0,  0),
    ('planned',   'confirmed', 0,  1, 1, 0,  0),
    ('failing',   'confirmed', 0,  1, 1, 0,  0),
    ('requested', 'confirmed', 0,  0, 1, 0,  0),
    ('parked',    'confirmed', 0,  0, 1, 0, -1),
    ('listed',    'skipped',   0,  0, 0, 1,  0),
    ('planned',   'skipped',   0,  0, 0, 1,  0),
    ('failing',   'skipped',   0,  0, 0, 1,  0),
    ('requested', 'skipped',   0,  0, 0, 1,  0),
    ('parked',    'skipped',   0,  0, 0, 1, -1);
comment on view child_transitions is 'What a child''s change of state adds to the sums of its operation; a change that is not listed adds nothing. none: the row is new. listed: planned, and no request was begun yet. A child that is confirmed before the reply to its request has been stored counts as requested as well.';

create function child_stage(state text, reference bytea) returns text immutable language sql
return case when state = 'planned' and reference = '' then 'listed' else state end;
comment on function child_stage is 'The state of a child, by the names of child_transitions.';

create type child_change as (tenant text, operation text, before text, after text, children bigint);

-- Once per statement (PostgreSQL manual, "Trigger Functions": maintaining a summary table). Rows before and after are
-- paired by grouping, not by a join: transition tables have no index, and sessions have hash joins switched off.
create function count_children() returns trigger language plpgsql as $$
declare
    changes child_change[];
begin
    if tg_op = 'INSERT' then
        select array_agg((c.tenant, c.operation, 'none', c.after, c.children)::child_change) into changes
        from (select tenant, operation, child_stage(state, reference) as after, count(*) as children
              from rows_after group by 1, 2, 3) c;
    else
        select array_agg((c.tenant, c.operation, c.before, c.after, c.children)::child_change) into changes
        from (select tenant, operation, before, after, count(*) as children
              from (select tenant, operation, max(before) as before, max(after) as after
                    from (select tenant, operation, relationship, child,
                                 child_stage(state, reference) as before, null as after
                          from rows_before
                          union all
                          select tenant, operation, relationship, child, null, child_stage(state, reference)
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
comment on function count_children is 'Adds to the sums of operations what the changes of their children say, by child_transitions. A plan has found all of its children before it begins: found stays.';

create trigger count_new_children after insert on operation_children
    referencing new table as rows_after
    for each statement execute function count_children();
create trigger count_changed_children after update on operation_children
    referencing old table as rows_before new table as rows_after
    for each statement execute function count_children();

update plans
set report = (report::jsonb - 'life' || jsonb_build_object('incarnation', report::jsonb -> 'life'))::json
where report::jsonb ? 'life';
comment on column plans.report is 'What the plan found: parts, restrictions, and the incarnation of its entity.';
