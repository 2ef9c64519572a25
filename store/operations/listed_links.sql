-- name: stated_ends
-- The child and the parent of the current link of a child to a parent, as they were stated.
select coalesce(stated_child, child) as child, coalesce(stated_parent, parent) as parent
from links
where tenant = :tenant and relationship = :relationship and child = :child and to_revision = :open and many = :parent
