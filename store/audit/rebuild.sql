-- name: ledger
-- Every fact of a tenant, or those of some types; those about one entity together.
select source, id, type, kind, key, sequence, time, time_nanoseconds, data, correlation, position, order_key,
       emptied
from facts
where tenant = :tenant and (:types::text[] is null or type = any(:types::text[]))
order by kind, key

-- name: ledger_size
-- How many facts a tenant has recorded.
select facts from tenant_revisions where tenant = :tenant
