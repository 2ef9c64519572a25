-- Facts that their owners do not order are ordered by their arrival, and lives have names that do not change.
-- The order keys themselves are rewritten after this, by store/write/reorder.py: tenants whose order_version is 0.

alter table tenant_revisions
    add column facts bigint not null default 0,
    add column order_version smallint not null default 0;
alter table tenant_revisions alter column order_version set default 1;
comment on column tenant_revisions.facts is 'How many facts the ledger holds: the position of the newest.';
comment on column tenant_revisions.order_version is 'Which version of the order the order keys have: 0, to be rewritten; 1, the present one.';

alter table facts
    add column position bigint,
    add column time_nanoseconds smallint not null default 0;
-- Facts of one batch were written in the order in which they came, which is that of their places in the table.
update facts f set position = p.position
from (select ctid, row_number() over (partition by tenant order by revision, received, ctid) as position from facts) p
where f.ctid = p.ctid;
alter table facts alter column position set not null;
comment on column facts.position is 'The arrival: 1, 2, 3, … for each tenant. The last part of the order key.';
comment on column facts.time_nanoseconds is 'The nanoseconds of the time after its last whole microsecond: 0 to 999.';
update tenant_revisions r set facts = f.newest
from (select tenant, max(position) as newest from facts group by tenant) f
where f.tenant = r.tenant;

alter table entities add column incarnation text not null default '';
comment on column entities.incarnation is 'The name of this life of the key, made when it began; of a deleted entity: of the life that would follow. Empty: no fact is known.';
