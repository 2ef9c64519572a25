-- name: waits_ended_late
-- Which of these entities, each at a revision, had a wait of a relationship that was notified as overdue, and ended there:
-- for the entity itself, which was a placeholder until then, or for its child, of which no link began
-- since. Reads the facts about each entity.
select w.n::integer as n
from unnest(:kinds::text[], :keys::text[], :relationships::text[], :missing::text[], :itself::boolean[],
            :revisions::bigint[]) with ordinality as w (kind, key, relationship, missing, itself, revision, n)
cross join lateral (
    select revision from facts
    where tenant = :tenant and kind = w.kind and key = w.key and source = '/tether' and type = 'RelationshipOverdue.v1'
      and data ->> 'relationship' = w.relationship and data ->> 'missing' = w.missing and revision < w.revision
    order by revision desc limit 1) o
where case when w.itself then exists (
               select from entities
               where tenant = :tenant and kind = w.kind and key = w.key and to_revision = w.revision
                 and state = 'unknown' and from_revision <= o.revision)
           else not exists (
               select from links
               where tenant = :tenant and relationship = w.relationship and parent = w.key
                 and from_revision > o.revision and from_revision < w.revision) end
