-- name: keys_of_entities
-- A page of the keys of a kind's entities, placeholders included.
select key from entities
where tenant = :tenant and kind = :kind and key > :after and to_revision = :open
order by key
limit :size

-- name: keys_of_pairs
-- A page of the keys of a kind that facts about identity name first.
select loser as key from merge_pairs
where tenant = :tenant and kind = :kind and loser > :after
order by loser
limit :size

-- name: keys_of_activity
-- A page of the keys of a kind that activity is about, each once for each fact.
select key from activities
where tenant = :tenant and kind = :kind and key > :after
order by key
limit :size
