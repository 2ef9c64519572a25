-- name: type_of_fact
-- The type of a fact, if it is about this entity.
select type from facts where tenant = :tenant and source = :source and id = :id and kind = :kind and key = :key
