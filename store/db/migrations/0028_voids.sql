-- Whether a repeated fact may have been voided needs no look-up where nothing ever was.
alter table tenant_revisions add column voids boolean not null default false;
comment on column tenant_revisions.voids is 'Whether any fact of the tenant was ever voided.';
update tenant_revisions t set voids = exists (
    select from facts f where f.tenant = t.tenant and f.source = '/tether' and f.type = 'FactVoided.v1');
