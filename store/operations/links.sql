-- name: current_link
-- The parent of a child's current link, and the child itself, as its owner states them.
select coalesce(stated_parent, parent) as parent, coalesce(stated_child, child) as child from links
where tenant = :tenant and relationship = :relationship and child = :child and to_revision = :open

-- name: links_to_end
-- The explicit links and unlinks of a relationship instance that can be ended, one way or the other, oldest first. What
-- was merged since it was requested is the entity that it has become.
select o.*
from operations o
left join lateral (
    select survivor from aliases
    where tenant = :tenant and kind = :parent_kind and key = o.parent and to_revision = :open limit 1) ps on true
left join lateral (
    select survivor from aliases
    where tenant = :tenant and kind = :child_kind and key = o.child and to_revision = :open limit 1) cs on true
left join lateral (
    select state from entities
    where tenant = :tenant and kind = :parent_kind and key = coalesce(ps.survivor, o.parent) and to_revision = :open
    limit 1) p on true
left join lateral (
    select state from entities
    where tenant = :tenant and kind = :child_kind and key = coalesce(cs.survivor, o.child) and to_revision = :open
    limit 1) c on true
where o.tenant = :tenant and o.workflow = 'relationship' and o.about = :relationship and o.key = :parent
  and o.state = 'waiting'
  and (o.kind = 'unlink' or o.due <= :now or o.cancelled_at is not null or p.state = 'deleted' or c.state = 'deleted'
       or (p.state = 'live' and c.state = 'live'))
order by o.position
limit :limit

-- name: place_of_fact
-- What an owner states about the place of a fact among those of its entity.
select sequence, time, time_nanoseconds as finer
from facts
where tenant = :tenant and kind = :kind and key = :key and order_key = :order_key
limit 1
