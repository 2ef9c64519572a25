-- name: applied_migrations
-- The migrations that were applied.
select name from migrations

-- name: settled_relationships
-- The relationships whose links the tables hold.
select relationship from definitions
