-- name: quarantine_to_try
-- The largest groups of the quarantine that are there for some reasons, of all tenants.
select tenant, type, code, field, events
from quarantine_groups
where code = any(:codes::text[])
order by events desc, tenant, type, code, field
limit :size
