-- name: find_credential
-- Whose key this is.
select tenant, name, scope from credentials where digest = $1 and revoked_at is null

-- name: any_credential
-- Whether there is any key at all.
select exists (select from credentials where revoked_at is null)

-- name: add_credential
-- Makes a key known; the same key again changes nothing.
insert into credentials (digest, tenant, name, scope) values ($1, $2, $3, $4) on conflict do nothing

-- name: all_credentials
-- Every key that was ever made, without the keys themselves.
select tenant, name, scope, created_at, revoked_at from credentials order by tenant, created_at, name

-- name: credential_in_force
-- Whether this tenant has a key of this name.
select exists (select from credentials where tenant = $1 and name = $2 and revoked_at is null)

-- name: revoke_credentials
-- Refuses the keys of this name from now on.
update credentials set revoked_at = now() where tenant = $1 and name = $2 and revoked_at is null returning name
