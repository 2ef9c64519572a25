-- name: idempotency_key
-- The operation that a caller's Idempotency-Key stands for, and the digest of the request.
select digest, digest_version, operation
from idempotency_keys
where tenant = :tenant and actor = :actor and idempotency_key = :idempotency_key

-- name: add_idempotency_key
-- Remembers the operation that a request started or joined.
insert into idempotency_keys (tenant, actor, idempotency_key, digest, digest_version, operation)
values (:tenant, :actor, :idempotency_key, :digest, :digest_version, :operation)
