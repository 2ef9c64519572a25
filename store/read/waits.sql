-- name: waits_page
-- A page of what is waited for, by relationship and parent.
select relationship, parent, lacks, debtor, since, due, started_at, told_at, note
from waits
where tenant = $1 and (relationship, parent) > ($2, $3)
order by relationship, parent
limit $4

-- name: waits_of_relationship
-- A page of what one relationship waits for, by parent.
select relationship, parent, lacks, debtor, since, due, started_at, told_at, note
from waits
where tenant = $1 and relationship = $2 and parent > $3
order by parent
limit $4

-- name: count_children
-- How many children each of these parents has now: reads an index entry for each child.
select w.n::int as n, c.children
from unnest($2::text[], $3::text[]) with ordinality as w (relationship, parent, n)
cross join lateral (
    select count(*) as children from links l
    where l.tenant = $1 and l.relationship = w.relationship and l.parent = w.parent and l.to_revision = :open) c

-- name: wait_of
-- What an instance waits for, if it does.
select lacks, debtor, since, due, started_at, told_at, note
from waits
where tenant = $1 and relationship = $2 and parent = $3
