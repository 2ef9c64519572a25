-- name: mark_stuck
-- Records why an operation is stuck. The time since when is kept if it was stuck already.
update operations
set stuck_cause = :cause, stuck_relationship = :relationship, stuck_details = :details, last_error = :last_error,
    stuck_since = coalesce(stuck_since, clock_timestamp()), unanswered_attempt = unanswered_attempt or :unanswered
where tenant = :tenant and id = :id and state = any(:states::text[])
  and (stuck_cause, stuck_relationship, stuck_details, last_error, unanswered_attempt)
      is distinct from (:cause::text, :relationship::text, :details::jsonb, :last_error::text,
                        unanswered_attempt or :unanswered::boolean)

-- name: count_contradiction
-- Records that the owner contradicted the operation's own request; returns how often it has.
update operations
set stuck_cause = 'owner_error', stuck_relationship = null, stuck_details = null, last_error = :last_error,
    stuck_since = coalesce(stuck_since, clock_timestamp()), contradictions = contradictions + 1
where tenant = :tenant and id = :id and state = any(:states::text[])
returning contradictions

-- name: clear_stuck
-- Records that an operation is no longer stuck, if it was for this cause.
update operations
set stuck_cause = null, stuck_relationship = null, stuck_details = null, stuck_since = null, last_error = ''
where tenant = :tenant and id = :id and state = any(:states::text[])
  and stuck_cause = :cause and stuck_relationship is not distinct from :relationship::text

-- name: mark_accepted
-- Records that the owner has accepted the operation's own request: the operation is not stuck, whatever the cause was.
update operations
set stuck_cause = null, stuck_relationship = null, stuck_details = null, stuck_since = null, last_error = '',
    unanswered_attempt = false, contradictions = 0
where tenant = :tenant and id = :id and state = any(:states::text[])
  and (stuck_cause is not null or unanswered_attempt)
