-- How far each consumer is, and whether it can go on from there. After the horizons, which it reads.

create view consumer_status as
select c.tenant, c.name, c.filter, c.starts_at, c.position_revision, c.position, c.generation, c.holder, c.generation_at,
       c.at_risk_seconds, c.note, c.actor, c.created_at, c.acknowledged_at, s.lag_revisions, s.lag_seconds,
       case when s.expired then 'expired'
            when s.lag_revisions = 0 then 'current'
            when s.lag_seconds > c.at_risk_seconds then 'at-risk'
            else 'behind' end as state
from consumers c
left join tenant_revisions t on t.tenant = c.tenant
left join lateral (
    select r.at from revisions r
    where r.tenant = c.tenant and r.revision >= c.position_revision and r.revision <= t.revision
    order by r.revision limit 1) oldest on true
left join horizons h on h.tenant = c.tenant
cross join lateral (select exists (
    select from epochs e where e.tenant = c.tenant and e.revision > c.position_revision) as restored) epoch
cross join lateral (
    select epoch.restored or c.position_revision <= coalesce(h.revision, 0) and h.revision > 0 as expired,
           case when not epoch.restored then greatest(coalesce(t.revision, 0) + 1 - greatest(c.position_revision, 1), 0)
           end as lag_revisions,
           greatest(coalesce(extract(epoch from clock_timestamp() - oldest.at), 0), 0)::double precision as lag_seconds
    ) s;
comment on view consumer_status is 'Consumers with their lag and state by the clock of the database. lag_revisions: null across a restore.';
