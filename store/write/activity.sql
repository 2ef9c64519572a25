-- name: void_activity
-- Ends the rows of activity whose facts are voided: later revisions do not have them.
update activities a set to_revision = :revision
from unnest(:sources::text[], :ids::text[]) as w (source, id)
cross join lateral (
    select revision, position from facts where tenant = :tenant and source = w.source and id = w.id limit 1) f
where a.tenant = :tenant and a.from_revision = f.revision and a.position = f.position and a.to_revision = :open
