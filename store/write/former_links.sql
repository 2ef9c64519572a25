-- name: links_to_recreated
-- The current links of these relationships to these parents that were stated with these keys.
select w.relationship, l.child, l.parent, w.stated as named, l.rank, l.of_former_incarnation as former, l.stated_child
from unnest(:relationships::text[], :parents::text[], :stated::text[]) as w (relationship, parent, stated)
cross join lateral (
    select child, parent, rank, of_former_incarnation, stated_child from links
    where tenant = :tenant and relationship = w.relationship and parent = w.parent and to_revision = :open
      and coalesce(stated_parent, parent) = w.stated
    offset 0) l
