-- name: is_forbidden
-- What the last fact about a pair says, whose smaller key comes first.
select forbidden from forbidden_pairs
where tenant = :tenant and kind = :kind and one = :one and other = :other

-- name: forbidden_page
-- A page of the forbidden pairs of a kind, by key, each with the fact that forbids it.
select p.one, p.other, p.source, p.id, f.data, f.received
from (
    select one, other, source, id from forbidden_pairs
    where tenant = :tenant and kind = :kind and forbidden and (one, other) > (:after_one, :after_other)
    order by one, other
    limit :size) p
cross join lateral (
    select data, received from facts where tenant = :tenant and source = p.source and id = p.id limit 1) f
order by p.one, p.other
limit :size

-- name: forbidden_of_key_page
-- A page of the forbidden pairs of one key, by key, each with the fact that forbids it.
select p.one, p.other, p.source, p.id, f.data, f.received
from (
    (select one, other, source, id from forbidden_pairs
     where tenant = :tenant and kind = :kind and forbidden and one = :key and (one, other) > (:after_one, :after_other)
     order by one, other
     limit :size)
    union all
    (select one, other, source, id from forbidden_pairs
     where tenant = :tenant and kind = :kind and forbidden and other = :key and (one, other) > (:after_one, :after_other)
     order by one, other
     limit :size)) p
cross join lateral (
    select data, received from facts where tenant = :tenant and source = p.source and id = p.id limit 1) f
order by p.one, p.other
limit :size
