-- name: applied_migrations
-- The migrations that were applied.
select name from migrations

-- name: has_former_order
-- Whether the order keys of any tenant have the form of an earlier version.
select exists (select from tenant_revisions where order_version = 0)

-- name: settled_relationships
-- The relationships whose links the tables hold.
select relationship from definitions
