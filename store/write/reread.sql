-- name: declared_meanings
-- By what facts were read when the tables were folded.
select name, meaning, folded from declared_meanings

-- name: entities_with_facts
-- A page of the entities of a kind, by key, and whether any of their facts has one of these types. Those that have none
-- are not left out here: there may be so many that a statement that looks for the next one would time out.
select e.key, coalesce((
    select true from facts
    where tenant = :tenant and kind = :kind and key = e.key and type = any(:types::text[]) limit 1), false) as concerned
from entities e
where e.tenant = :tenant and e.kind = :kind and e.key > :after and e.to_revision = :open
order by e.key
limit :size

-- name: store_meanings
-- Records by what facts are read; empty: as they are. All that was recorded before is to be folded once more.
insert into declared_meanings (name, meaning)
select name, meaning from unnest(:names::text[], :meanings::text[]) as w (name, meaning)
on conflict (name) do update set meaning = excluded.meaning, folded = false

-- name: end_reading
-- Nothing is to be folded once more.
with gone as (
    delete from declared_meanings where meaning = ''
)
update declared_meanings set folded = true where not folded and meaning <> ''
