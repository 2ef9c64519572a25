-- name: ledger
-- Every fact, in no order.
select source, id, type, kind, key, sequence, time, data, correlation, order_key from facts where tenant = $1
