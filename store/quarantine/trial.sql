-- name: next_quarantined
-- Of so many quarantined events after a position, up to :size that a filter lets pass, up to the one whose bytes reach
-- :room; and the last that was read, whether it passes or not.
select id, source, event_id, type, code, field, reason, case when passes then raw else '' end as raw, actor, publisher,
       first_received, received, times
from (
    select q.*, count(*) filter (where q.passes) over w as passed,
           coalesce(sum(octet_length(q.raw)) filter (where q.passes) over w, 0)
               - case when q.passes then octet_length(q.raw) else 0 end as before,
           q.id = max(q.id) over () as last
    from (
        select id, source, event_id, type, code, field, reason, raw, actor, publisher, first_received, received, times,
               (cause_type = :type or :type::text is null) and (code = :code or :code::text is null)
               and (field = :field or :field::text is null) and (source = :source or :source::text is null)
               and (actor = :actor or :actor::text is null) and (id = :event or :event::bigint is null) as passes
        from quarantine
        where tenant = :tenant and id > :after and id <= :up_to
        order by id
        limit :scanned) q
    window w as (order by q.id rows unbounded preceding)) r
where before < :room and passed <= :size and (passes or last)
order by id
