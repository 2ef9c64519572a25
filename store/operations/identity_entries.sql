-- name: places_of_merge_pairs
-- Where the newest facts about these pairs (loser, survivor) are in the order of facts.
select w.one, w.other, f.sequence, f.time, f.time_nanoseconds as finer
from unnest(:losers::text[], :survivors::text[]) as w (one, other)
cross join lateral (
    select source, id from merge_pairs
    where tenant = :tenant and kind = :kind and loser = w.one and survivor = w.other limit 1) p
cross join lateral (
    select sequence, time, time_nanoseconds from facts
    where tenant = :tenant and source = p.source and id = p.id limit 1) f

-- name: places_of_forbidden_pairs
-- Where the newest facts about these forbidden pairs, whose smaller key comes first, are in the order of facts.
select w.one, w.other, f.sequence, f.time, f.time_nanoseconds as finer
from unnest(:ones::text[], :others::text[]) as w (one, other)
cross join lateral (
    select source, id from forbidden_pairs
    where tenant = :tenant and kind = :kind and one = w.one and other = w.other limit 1) p
cross join lateral (
    select sequence, time, time_nanoseconds from facts
    where tenant = :tenant and source = p.source and id = p.id limit 1) f
