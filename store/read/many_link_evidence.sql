-- name: listed_link_versions
-- Every version of the link of a child to one parent, newest first.
select parent, since, from_revision, to_revision
from links
where tenant = :tenant and relationship = :relationship and parent = :parent and child = :child
order by to_revision desc
limit :size
