-- name: applied_migrations
-- What the schema has become by now.
select name from migrations

-- name: settled_relationships
-- The relationships whose links the tables hold.
select relationship from definitions
