-- name: applied_migrations
-- The migrations that were applied.
select name from migrations

-- name: has_former_order
-- Whether the order keys of any tenant have the form of an earlier version.
select exists (select from tenant_revisions where order_version = 0)

-- name: settled_relationships
-- The relationships whose links the tables hold.
select relationship from definitions

-- name: restarting_kinds
-- The kinds whose entities were folded by the declaration that sequences begin again.
select kind from restarting_kinds

-- name: read_by
-- By what facts were read when the tables were folded.
select name, meaning from declared_meanings
