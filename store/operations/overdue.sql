-- name: mark_overdue_notified
-- Marks a wait that is due as overdue, once.
update waits set overdue_notified_at = :now::timestamptz
where tenant = :tenant and relationship = :relationship and parent = :parent and overdue_notified_at is null and due <= :now
returning missing, owner, waiting_since, due
