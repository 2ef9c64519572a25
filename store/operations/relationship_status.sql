-- name: relationship_status
-- What one instance waits for or has, all of it as of one revision.
select h.revision, e.state, e.ended, e.data,
       w.missing, w.owner, w.waiting_since, w.due, w.overdue_notified_at is not null as overdue_notified, w.last_error,
       (select min(o.due) from operations o
        where o.tenant = $1 and o.workflow = 'relationship' and o.about = $2 and o.key = $3 and o.state = 'waiting')
           as operations_due,
       (select count(*)::int from (
            select from links l
            where l.tenant = $1 and l.relationship = $2 and l.parent = $3 and l.to_revision = :open limit 1000) c)
           as children,
       case when $5::boolean then (
           select max(l.to_revision + 0) from links l -- an expression, so that its index is not taken
           where l.tenant = $1 and l.relationship = $2 and l.parent = $3 and l.to_revision < :open) end as left_at
from tenant_revisions h
left join entities e on e.tenant = $1 and e.kind = $4 and e.key = $3 and e.to_revision = :open
left join waits w on w.tenant = $1 and w.relationship = $2 and w.parent = $3
where h.tenant = $1

-- name: reached_child
-- The child reached by going up one relationship and down another. Links hold, so all three entities are live.
select d.child
from links u
join entities p on p.tenant = $1 and p.kind = $5 and p.key = u.parent and p.to_revision = :open and p.state = 'live'
cross join lateral (
    select child from links
    where tenant = $1 and relationship = $4 and parent = u.parent and to_revision = :open
    order by rank, child limit 1) d
where u.tenant = $1 and u.relationship = $2 and u.child = $3 and u.to_revision = :open

-- name: announced_link
-- The child of a one-to-one link to a live parent, the revision since which it has been linked without a break, and the
-- correlation id of the fact that linked it.
select l.child,
       (select b.from_revision from links b
        where b.tenant = $1 and b.relationship = $2 and b.child = l.child and b.parent = $3
          and not exists (select from links o
                          where o.tenant = $1 and o.relationship = $2 and o.child = l.child and o.parent = $3
                            and o.to_revision = b.from_revision)
        order by b.to_revision desc limit 1) as began,
       (select f.correlation from facts f
        where f.tenant = $1 and f.kind = $5 and f.key = l.child and f.correlation is not null
        order by f.order_key limit 1) as correlation
from links l
join entities e on e.tenant = $1 and e.kind = $4 and e.key = $3 and e.to_revision = :open and e.state = 'live'
where l.tenant = $1 and l.relationship = $2 and l.parent = $3 and l.to_revision = :open
order by l.rank, l.child
limit 1

-- name: mark_overdue_notified
-- Marks a wait as overdue, once.
update waits set overdue_notified_at = now()
where tenant = $1 and relationship = $2 and parent = $3 and overdue_notified_at is null and due <= $4
returning missing, owner, waiting_since, due

-- name: set_wait_error
-- Stores why an instance still waits.
update waits set last_error = $4 where tenant = $1 and relationship = $2 and parent = $3
