-- name: links_that_move
-- How many links each of these parents has now, by relationship; those without any left out.
select r.name as relationship, w.key, l.links
from unnest(:relationships::text[]) as r (name)
cross join unnest(:parents::text[]) as w (key)
cross join lateral (
    select count(*) as links from links
    where tenant = :tenant and relationship = r.name and parent = w.key and to_revision = :open) l
where l.links > 0
order by 1, 2

-- name: activity_that_moves
-- How much activity is recorded under each of these keys now; those without any left out.
select w.key, a.items
from unnest(:keys::text[]) as w (key)
cross join lateral (
    select count(*) as items from activities
    where tenant = :tenant and kind = :kind and key = w.key and to_revision = :open) a
where a.items > 0
order by 1
