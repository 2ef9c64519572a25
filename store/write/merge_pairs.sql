-- name: store_merge_pairs
-- Stores the last fact about each of these pairs.
insert into merge_pairs (tenant, kind, loser, survivor, merged, order_key, source, id)
select :tenant, :kind, w.one, w.other, w.holds, w.order_key, w.source, w.id
from unnest(:ones::text[], :others::text[], :holds::boolean[], :order_keys::bytea[], :sources::text[], :ids::text[])
     as w (one, other, holds, order_key, source, id)
on conflict (tenant, kind, loser, survivor) do update
set merged = excluded.merged, order_key = excluded.order_key, source = excluded.source, id = excluded.id,
    set_aside = null

-- name: store_forbidden_pairs
-- Stores the last fact about each of these pairs.
insert into forbidden_pairs (tenant, kind, one, other, forbidden, order_key, source, id)
select :tenant, :kind, w.one, w.other, w.holds, w.order_key, w.source, w.id
from unnest(:ones::text[], :others::text[], :holds::boolean[], :order_keys::bytea[], :sources::text[], :ids::text[])
     as w (one, other, holds, order_key, source, id)
on conflict (tenant, kind, one, other) do update
set forbidden = excluded.forbidden, order_key = excluded.order_key, source = excluded.source, id = excluded.id

-- name: delete_merge_pairs
-- Deletes these pairs, about which no fact is left that counts.
delete from merge_pairs p using unnest(:ones::text[], :others::text[]) as w (one, other)
where p.tenant = :tenant and p.kind = :kind and p.loser = w.one and p.survivor = w.other

-- name: delete_forbidden_pairs
-- Deletes these pairs, about which no fact is left that counts.
delete from forbidden_pairs p using unnest(:ones::text[], :others::text[]) as w (one, other)
where p.tenant = :tenant and p.kind = :kind and p.one = w.one and p.other = w.other

-- name: pairs_of_keys
-- The pairs of which facts speak whose loser is one of these keys, and the merged ones whose survivor is one; and the
-- forbidden pairs whose smaller key is one. An array is looked up in the order of the index, in a sixth of the time of
-- one look-up for each key.
select 'merge' as "table", loser as one, survivor as other, merged as holds, order_key, set_aside
from merge_pairs
where tenant = :tenant and kind = :kind and loser = any(:keys::text[])
union all
select 'merge', loser, survivor, merged, order_key, set_aside
from merge_pairs
where tenant = :tenant and kind = :kind and survivor = any(:keys::text[]) and merged
union all
select 'forbidden', one, other, forbidden, order_key, null
from forbidden_pairs
where tenant = :tenant and kind = :kind and one = any(:keys::text[])

-- name: connected_pairs
-- All pairs of which facts speak whose loser is one of these keys or connected with one by merged pairs, those included
-- that are set aside; and the forbidden pairs whose smaller key is one of all of these.
with recursive reached (key) as (
    select w.key collate "C" from unnest(:keys::text[]) as w (key)
    union
    select n.key
    from reached r
    cross join lateral (
        (select survivor as key from merge_pairs
         where tenant = :tenant and kind = :kind and loser = r.key and merged offset 0)
        union all
        (select loser from merge_pairs
         where tenant = :tenant and kind = :kind and survivor = r.key and merged offset 0)) n
)
select 'merge' as "table", p.loser as one, p.survivor as other, p.merged as holds, p.order_key, p.set_aside
from reached r
cross join lateral (
    select * from merge_pairs
    where tenant = :tenant and kind = :kind and loser = r.key offset 0) p
union all
select 'forbidden', p.one, p.other, p.forbidden, p.order_key, null
from reached r
cross join lateral (
    select * from forbidden_pairs
    where tenant = :tenant and kind = :kind and one = r.key offset 0) p

-- name: set_pairs_aside
-- Stores for these merged pairs whether they are set aside: as a JSON array the keys of the way that they would open;
-- null: they are joined.
update merge_pairs p
set set_aside = case when w.path is null then null else array(select json_array_elements_text(w.path::json)) end
from unnest(:losers::text[], :survivors::text[], :paths::text[]) as w (loser, survivor, path)
where p.tenant = :tenant and p.kind = :kind and p.loser = w.loser and p.survivor = w.survivor

-- name: identity_facts
-- All facts about these keys with one of these types.
select f.source, f.id, f.type, f.kind, f.key, f.sequence, f.time, f.time_nanoseconds, f.data, f.correlation, f.position,
       f.order_key, f.emptied
from unnest(:keys::text[]) as w (key)
cross join lateral (
    select * from facts
    where tenant = :tenant and kind = :kind and key = w.key and type = any(:types::text[]) offset 0) f

-- name: mark_merging
-- Remembers that the tenant has facts about identity.
update tenant_revisions set merges = true where tenant = :tenant and not merges
