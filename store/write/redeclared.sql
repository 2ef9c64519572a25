-- name: ends_of_kind
-- A page of the entities of a kind, by key, and whether they were ever deleted. Those that were not are not left out here:
-- there may be so many that a statement that looks for the next one would time out.
select key, ended <> '' as ended
from entities
where tenant = :tenant and kind = :kind and key > :after and to_revision = :open
order by key
limit :size

-- name: kinds_to_fold
-- The kinds whose declaration has changed, and whose entities are to be folded once more.
select kind from kinds_to_fold

-- name: store_restarting_kinds
-- Records of these kinds whether their entities were folded with restarts, and that they are to be folded once more.
with former as (
    delete from restarting_kinds where kind = any(:without::text[])
), left_over as (
    insert into kinds_to_fold (kind) select unnest(:with::text[] || :without::text[]) on conflict (kind) do nothing
)
insert into restarting_kinds (kind) select unnest(:with::text[])
on conflict (kind) do nothing

-- name: end_fold
-- No kind is to be folded once more.
delete from kinds_to_fold
