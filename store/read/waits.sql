-- name: waits_page
-- A page of all waits, by relationship and parent.
select relationship, parent, missing, owner, waiting_since, due,
       workflow_started_at, overdue_notified_at, last_error, missing_links
from waits
where tenant = :tenant and (relationship, parent) > (:after_relationship, :after_parent)
order by relationship, parent
limit :size

-- name: waits_of_relationship
-- A page of the waits of one relationship, by parent.
select relationship, parent, missing, owner, waiting_since, due,
       workflow_started_at, overdue_notified_at, last_error, missing_links
from waits
where tenant = :tenant and relationship = :relationship and parent > :after_parent
order by parent
limit :size

-- name: count_children
-- The current number of children of each of these parents, or with :of_child of parents of a child: reads one index
-- entry for each.
select p.n::int as n,
       case when p.of_child then (
                select count(*) from links l
                where l.tenant = :tenant and l.relationship = p.relationship and l.child = p.parent
                  and l.to_revision = :open)
            else (
                select count(*) from links l
                where l.tenant = :tenant and l.relationship = p.relationship and l.parent = p.parent
                  and l.to_revision = :open) end as children
from unnest(:relationships::text[], :parents::text[], :of_child::boolean[]) with ordinality
    as p (relationship, parent, of_child, n)

-- name: wait_of
-- The wait of one relationship instance, if it has one.
select relationship, parent, missing, owner, waiting_since, due,
       workflow_started_at, overdue_notified_at, last_error, missing_links
from waits
where tenant = :tenant and relationship = :relationship and parent = :parent
