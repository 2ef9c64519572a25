-- name: find_credential
-- The tenant, name and scope of a key, unless it was revoked.
select tenant, name, scope from credentials where digest = :digest and revoked_at is null

-- name: any_credential
-- Whether any key is in force.
select exists (select from credentials where revoked_at is null)

-- name: add_credential
-- Adds a key; adding the same key again changes nothing.
insert into credentials (digest, tenant, name, scope) values (:digest, :tenant, :name, :scope) on conflict do nothing

-- name: all_credentials
-- Every key that was ever made: its tenant, name and scope, not the key itself.
select tenant, name, scope, created_at, revoked_at from credentials order by tenant, created_at, name

-- name: credential_in_force
-- Whether a tenant has a key of this name in force.
select exists (select from credentials where tenant = :tenant and name = :name and revoked_at is null)

-- name: revoke_credentials
-- Revokes the keys of this name.
update credentials set revoked_at = now() where tenant = :tenant and name = :name and revoked_at is null returning name
