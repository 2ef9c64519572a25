-- name: workflows_without_rows
-- For each of these workflows, in their order: whether it has no wait, no open operation and no outbox row.
select array_agg(
    not exists (select from outbox o
                where o.tenant = w.tenant and o.workflow = w.workflow and o.about = w.about and o.key = w.key)
    and not exists (select from unnest('{waiting,requested,running}'::text[]) as s (state)
                    cross join lateral (
                        select from operations o
                        where o.tenant = w.tenant and o.state = s.state and o.workflow = w.workflow and o.about = w.about
                          and o.key = w.key and o.state in ('waiting', 'requested', 'running') limit 1) o)
    and not exists (select from waits x
                    where w.workflow = 'relationship' and x.tenant = w.tenant and x.relationship = w.about
                      and x.parent = w.key)
    order by w.n)
from unnest(:tenants::text[], :workflows::text[], :abouts::text[], :keys::text[])
     with ordinality as w (tenant, workflow, about, key, n)

-- name: count_strays
-- Adds to the numbers of stray workflows.
insert into stray_workflows as s (action, workflows)
select w.action, w.workflows from unnest(:names::text[], :counts::bigint[]) as w (action, workflows)
on conflict (action) do update set workflows = s.workflows + excluded.workflows
