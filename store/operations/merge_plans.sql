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
