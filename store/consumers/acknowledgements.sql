-- name: acknowledge
-- Moves the position of a consumer forward, for the holder of its generation, to an offset that can have been read: not
-- after the newest revision, and not of a time before a restore. No row if any of this does not hold.
update consumers c
set position_revision = :revision, position = :position, acknowledged_at = clock_timestamp()
where c.tenant = :tenant and c.name = :name and c.generation = :generation
  and c.position < :position
  and :revision <= (select t.revision + 1 from tenant_revisions t where t.tenant = :tenant)
  and not exists (select from epochs e where e.tenant = :tenant and e.revision > :revision)
returning c.position
