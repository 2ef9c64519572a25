-- name: current_parent
-- The parent of a child's current link.
select parent from links where tenant = $1 and relationship = $2 and child = $3 and to_revision = :open

-- name: links_to_end
-- The explicit links and unlinks of an instance that can be ended, one way or the other, oldest first.
select o.*
from operations o
left join entities p on p.tenant = $1 and p.kind = $4 and p.key = o.parent and p.to_revision = :open
left join entities c on c.tenant = $1 and c.kind = $5 and c.key = o.child and c.to_revision = :open
where o.tenant = $1 and o.workflow = 'relationship' and o.about = $2 and o.key = $3 and o.state = 'waiting'
  and (o.kind = 'unlink' or o.due <= $6 or o.cancelled_at is not null or p.state = 'deleted' or c.state = 'deleted'
       or (p.state = 'live' and c.state = 'live'))
order by o.created_at, o.id
limit $7

-- name: latest_time
-- The latest time that an entity's facts state.
select max(time) from facts where tenant = $1 and kind = $2 and key = $3
