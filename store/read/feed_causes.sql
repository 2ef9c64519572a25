-- What is behind the items of a page of the feed.

-- name: revisions_written
-- When, and by whom, these revisions were written.
select revision, at, actor from revisions where tenant = :tenant and revision = any(:revisions::bigint[])

-- name: facts_behind
-- The facts about these entities in the revisions between two, by their arrival. Reads all facts of each entity.
select f.revision, f.received, f.kind, f.key, f.source, f.id, f.type, f.correlation, f.causation
from unnest(:kinds::text[], :keys::text[]) as w (kind, key)
join facts f on f.tenant = :tenant and f.kind = w.kind and f.key = w.key
where f.revision between :first and :last
order by f.position
