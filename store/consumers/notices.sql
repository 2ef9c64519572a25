-- name: consumers_to_notify_of
-- The consumers that have become, or ceased to be, at risk or expired since the feed was last notified.
select s.tenant, s.name
from consumer_status s
join consumers c on c.tenant = s.tenant and c.name = s.name
where c.notified is distinct from case when s.state in ('at-risk', 'expired') then s.state end

-- name: mark_consumer_notified
-- Marks a consumer as notified of its state, and returns it; no row if it is marked already.
update consumers c set notified = s.notice
from (select tenant, name, state, lag_revisions, lag_seconds, holder, generation, at_risk_seconds, clock_timestamp() as now,
             case when state in ('at-risk', 'expired') then state end as notice
      from consumer_status where tenant = :tenant and name = :name) s
where c.tenant = s.tenant and c.name = s.name and c.notified is distinct from s.notice
returning s.state, s.lag_revisions, s.lag_seconds, s.holder, s.generation, s.at_risk_seconds, s.now
