-- name: claim_tenants_to_trim
-- Claims the tenants whose next run is due, for one dispatcher.
update horizons h set next_run = clock_timestamp() + :every::interval
from (select tenant from horizons
      where next_run <= clock_timestamp()
      order by next_run
      limit :size
      for update skip locked) c
where h.tenant = c.tenant
returning h.tenant

-- name: add_horizons
-- Adds tenants that retention has not looked at yet.
insert into horizons (tenant)
select tenant from tenant_revisions t
where not exists (select from horizons h where h.tenant = t.tenant)
on conflict do nothing

-- name: end_run
-- Records that rows of a tenant were trimmed as far as they can be.
update horizons set last_run = clock_timestamp() where tenant = :tenant
