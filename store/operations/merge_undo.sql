-- name: states_of_pairs
-- What the last facts about these pairs say.
select w.loser, p.merged, p.set_aside
from unnest(:losers::text[]) as w (loser)
cross join lateral (
    select merged, set_aside from merge_pairs
    where tenant = :tenant and kind = :kind and loser = w.loser and survivor = :survivor limit 1) p

-- name: operation_of_merge
-- The operation that carries a merge out: its own, or that of the request which has recorded many.
select coalesce(operation, id) from merges where tenant = :tenant and id = :id

-- name: links_by_stated_parent
-- How many links to these parents were stated with each of these keys.
select l.relationship, coalesce(l.stated_parent, l.parent) as key, count(*) as links
from unnest(:relationships::text[]) as r (name)
cross join unnest(:parents::text[]) as w (key)
cross join lateral (
    select * from links
    where tenant = :tenant and relationship = r.name and parent = w.key and to_revision = :open offset 0) l
where coalesce(l.stated_parent, l.parent) = any(:stated::text[])
group by 1, 2
order by 1, 2
