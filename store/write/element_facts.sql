-- name: join_element_facts
-- Joins facts about elements of lists to what is known of each: the newest counts. Returns the elements that they decide.
insert into element_facts as e (tenant, relationship, key, element, order_key, added)
select :tenant, w.relationship, w.key, w.element, w.order_key, w.added
from unnest(:relationships::text[], :keys::text[], :elements::text[], :order_keys::bytea[], :added::boolean[])
     as w (relationship, key, element, order_key, added)
on conflict (tenant, relationship, key, element) do update
set order_key = excluded.order_key, added = excluded.added
where e.order_key < excluded.order_key
returning e.relationship, e.key, e.element

-- name: forget_element_facts
-- Deletes what is known of the single elements of these lists, before it is written again.
delete from element_facts e
using unnest(:relationships::text[], :keys::text[]) as w (relationship, key)
where e.tenant = :tenant and e.relationship = w.relationship and e.key = w.key

-- name: element_facts_of
-- The newest fact about each single element of these lists.
select e.relationship, e.key, e.element, e.order_key, e.added
from unnest(:relationships::text[], :keys::text[]) as w (relationship, key)
cross join lateral (
    select * from element_facts
    where tenant = :tenant and relationship = w.relationship and key = w.key offset 0) e

-- name: element_facts_about
-- The newest facts about these elements of lists.
select e.relationship, e.key, e.element, e.order_key, e.added
from unnest(:relationships::text[], :keys::text[], :elements::text[]) as w (relationship, key, element)
cross join lateral (
    select * from element_facts
    where tenant = :tenant and relationship = w.relationship and key = w.key and element = w.element limit 1) e
