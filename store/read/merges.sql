-- name: listed_merge
-- One merge, with what each of its pairs is now.
select m.id, m.kind, m.survivor, m.reason, m.created_at, m.source, m.fact, m.revision, m.proof,
       o.id as operation, o.state as operation_state, o.actor, p.pairs
from merges m
left join lateral (
    select id, state, actor from operations where tenant = :tenant and id = coalesce(m.operation, m.id) limit 1) o on true
cross join lateral (
    select json_agg(json_build_object('loser', l.key, 'merged', coalesce(p.merged, false), 'set_aside', p.set_aside)
                    order by l.key) as pairs
    from unnest(m.losers) as l (key)
    left join lateral (
        select merged, set_aside from merge_pairs
        where tenant = :tenant and kind = m.kind and loser = l.key and survivor = m.survivor limit 1) p on true) p
where m.tenant = :tenant and m.id = :id

-- name: merges_page
-- A page of merges, the newest first, each with its pairs.
select m.id, m.kind, m.survivor, m.reason, m.created_at, m.source, m.fact, m.revision, m.proof,
       o.id as operation, o.state as operation_state, o.actor, p.pairs
from (
    select * from merges
    where tenant = :tenant and (created_at, id) < (:before, :before_id)
    order by created_at desc, id desc
    limit :size) m
left join lateral (
    select id, state, actor from operations where tenant = :tenant and id = coalesce(m.operation, m.id) limit 1) o on true
cross join lateral (
    select json_agg(json_build_object('loser', l.key, 'merged', coalesce(p.merged, false), 'set_aside', p.set_aside)
                    order by l.key) as pairs
    from unnest(m.losers) as l (key)
    left join lateral (
        select merged, set_aside from merge_pairs
        where tenant = :tenant and kind = m.kind and loser = l.key and survivor = m.survivor limit 1) p on true) p
order by m.created_at desc, m.id desc
