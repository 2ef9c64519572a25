-- name: exported_facts
-- Every fact of a tenant up to a revision, or those of some kinds, in the order of their arrival; not those about
-- consumers, which concern this Tether alone.
select source, id, type, kind, key, sequence, time, time_nanoseconds, received, data::text as data, correlation,
       causation, traceparent, extensions
from facts
where tenant = :tenant and revision <= :revision and kind <> '/consumer'
  and (:kinds::text[] is null or kind = any(:kinds::text[]))
order by position

-- name: count_exported
-- How many facts these are.
select count(*)
from facts
where tenant = :tenant and revision <= :revision and kind <> '/consumer'
  and (:kinds::text[] is null or kind = any(:kinds::text[]))
