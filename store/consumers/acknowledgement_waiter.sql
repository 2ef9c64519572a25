-- name: consumer_positions
-- The first revisions that some consumers have not acknowledged as a whole.
select w.tenant, w.name, c.position_revision
from unnest(:tenants::text[], :names::text[]) as w (tenant, name)
join consumers c on c.tenant = w.tenant and c.name = w.name
