-- The quarantine: why an event is there as a code and a field, who sent it, and sums by cause and by sender.

alter table quarantine
    add column cause_type text collate "C" not null generated always as (coalesce(left(type, 256), '')) stored,
    add column code text collate "C" not null default 'other',
    add column field text collate "C" not null default '',
    add column actor text collate "C" not null default '',
    add column publisher text,
    add column first_received timestamptz default clock_timestamp();
update quarantine set
    first_received = received,
    code = case
        when reason like 'unknown type: %' then 'unknown_type'
        when reason like 'breaks %: Field required%' then 'field_missing'
        when reason like 'breaks %' then 'field_invalid'
        when reason like 'another body was recorded %' then 'conflict'
        when reason like 'its data was erased%' then 'erased'
        else 'other' end,
    field = case
        when reason like 'unknown type: %' then 'type'
        when reason like 'breaks %' then left(coalesce(substring(reason from '^breaks [^:]+: ([^:.]+)'), ''), 200)
        else '' end;
alter table quarantine alter column first_received set not null;
comment on column quarantine.cause_type is 'The type, as far as an index can hold it; empty: it could not be read.';
comment on column quarantine.code is 'Why it could not be accepted: see messages/quarantine_reasons.py.';
comment on column quarantine.field is 'The attribute, or the field of its data, that the code is about; empty: none.';
comment on column quarantine.actor is 'Name of the API key that sent it first; signal: it was signalled to a workflow; empty: an earlier version did not keep it.';
comment on column quarantine.publisher is 'The owner whose facts its sender may publish; empty: those of any; null: an earlier version did not keep it.';

create index quarantine_of_cause on quarantine (tenant, cause_type, code, field, id);
comment on index quarantine_of_cause is 'Samples, and pages of one cause.';

create table quarantine_groups (
    tenant text collate "C",
    type text collate "C",
    code text collate "C",
    field text collate "C",
    events bigint not null,
    bytes bigint not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    primary key (tenant, type, code, field)
);
comment on table quarantine_groups is 'What is in quarantine, by cause. Maintained by a trigger; a group without events is deleted.';
comment on column quarantine_groups.type is 'Empty: it could not be read.';
comment on column quarantine_groups.first_seen is 'When the first of its events was first received, since the group came to be.';

create table quarantine_hours (
    tenant text collate "C",
    type text collate "C",
    code text collate "C",
    field text collate "C",
    hour timestamptz,
    received bigint not null,
    primary key (tenant, type, code, field, hour)
);
comment on table quarantine_hours is 'How many events of a cause were received in an hour, repeats included. They go with their group.';

create table quarantine_senders (
    tenant text collate "C",
    actor text collate "C",
    events bigint not null default 0,
    bytes bigint not null default 0,
    not_kept bigint not null default 0,
    primary key (tenant, actor)
);
comment on table quarantine_senders is 'What is in quarantine by sender, which has a limit. Maintained by a trigger.';
comment on column quarantine_senders.not_kept is 'Events that were not kept since the limit was reached.';

-- Once per statement, as for operation_children. Rows are written in the order of their keys; transactions that change the
-- quarantine of a tenant come one after the other (lock_quarantine).
create function count_quarantined() returns trigger language plpgsql as $$
begin
    if tg_op <> 'DELETE' then
        insert into quarantine_groups as g (tenant, type, code, field, events, bytes, first_seen, last_seen)
        select tenant, cause_type, code, field, count(*), sum(octet_length(raw)), min(first_received), max(received)
        from rows_after
        group by 1, 2, 3, 4
        order by 1, 2, 3, 4
        on conflict (tenant, type, code, field) do update
        set events = g.events + excluded.events, bytes = g.bytes + excluded.bytes,
            first_seen = least(g.first_seen, excluded.first_seen), last_seen = greatest(g.last_seen, excluded.last_seen);
        insert into quarantine_senders as s (tenant, actor, events, bytes)
        select tenant, actor, count(*), sum(octet_length(raw)) from rows_after group by 1, 2 order by 1, 2
        on conflict (tenant, actor) do update set events = s.events + excluded.events, bytes = s.bytes + excluded.bytes;
    end if;
    if tg_op <> 'INSERT' then
        insert into quarantine_groups as g (tenant, type, code, field, events, bytes, first_seen, last_seen)
        select tenant, cause_type, code, field, -count(*), -sum(octet_length(raw)), max(first_received), min(received)
        from rows_before
        group by 1, 2, 3, 4
        order by 1, 2, 3, 4
        on conflict (tenant, type, code, field) do update
        set events = g.events + excluded.events, bytes = g.bytes + excluded.bytes;
        insert into quarantine_senders as s (tenant, actor, events, bytes)
        select tenant, actor, -count(*), -sum(octet_length(raw)) from rows_before group by 1, 2 order by 1, 2
        on conflict (tenant, actor) do update set events = s.events + excluded.events, bytes = s.bytes + excluded.bytes;
        with ended as (
            delete from quarantine_groups g
            using (select distinct tenant, cause_type, code, field from rows_before) r
            cross join lateral (
                select ctid from quarantine_groups
                where tenant = r.tenant and type = r.cause_type and code = r.code and field = r.field and events <= 0
                limit 1) x
            where g.ctid = x.ctid
            returning g.tenant, g.type, g.code, g.field)
        delete from quarantine_hours h
        using ended e
        cross join lateral (
            select ctid from quarantine_hours
            where tenant = e.tenant and type = e.type and code = e.code and field = e.field offset 0) x
        where h.ctid = x.ctid;
    end if;
    return null;
end $$;
comment on function count_quarantined is 'Adds what has come into quarantine to the sums by cause and by sender, and takes off what has left it.';

insert into quarantine_groups (tenant, type, code, field, events, bytes, first_seen, last_seen)
select tenant, cause_type, code, field, count(*), sum(octet_length(raw)), min(first_received), max(received)
from quarantine group by 1, 2, 3, 4;
insert into quarantine_senders (tenant, actor, events, bytes)
select tenant, actor, count(*), sum(octet_length(raw)) from quarantine group by 1, 2;

create trigger count_new_quarantined after insert on quarantine
    referencing new table as rows_after
    for each statement execute function count_quarantined();
create trigger count_changed_quarantined after update on quarantine
    referencing old table as rows_before new table as rows_after
    for each statement execute function count_quarantined();
create trigger count_gone_quarantined after delete on quarantine
    referencing old table as rows_before
    for each statement execute function count_quarantined();

do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', known.relation, 'attname', known.attribute,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real)
        from (values ('quarantine', 'cause_type', 50), ('quarantine', 'code', 10), ('quarantine', 'field', 20),
                     ('quarantine_groups', 'tenant', 10), ('quarantine_groups', 'type', -0.5), ('quarantine_groups', 'code', 10),
                     ('quarantine_groups', 'field', 20), ('quarantine_hours', 'tenant', 10), ('quarantine_hours', 'type', -0.1),
                     ('quarantine_hours', 'code', 10), ('quarantine_hours', 'field', 20), ('quarantine_hours', 'hour', -0.5),
                     ('quarantine_senders', 'tenant', 10), ('quarantine_senders', 'actor', -0.5))
            as known (relation, attribute, n_distinct);
    end if;
end $$;
