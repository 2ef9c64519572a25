-- name: ledger
-- Every fact of a tenant, in no particular order.
select source, id, type, kind, key, sequence, time, time_nanoseconds, data, correlation, position, order_key from facts where tenant = :tenant
