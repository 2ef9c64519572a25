-- How often an owner has contradicted a request, so that it counts as refused after some attempts.

alter table operations
    add column contradictions integer not null default 0,
    add column renewals integer not null default 0;
comment on column operations.contradictions is 'How often its owner has replied that the state of its entity contradicts the request (404, 409, 410, 412).';
comment on column operations.renewals is 'Of a move: how often it was requested again under another Idempotency-Key, with the parent that was known by then.';
comment on column operations.former_parent is 'Of a move: the parent that the child was in when the request, or its last renewal, was sent to its owner.';

alter table waits add column contradictions integer not null default 0;
comment on column waits.contradictions is 'How often the owner has replied that the state of its entity contradicts the request for the child (404, 409, 410, 412).';

comment on column operation_children.redrives is 'How often it was put back to be requested under another Idempotency-Key: by a redrive, or because its owner replied that its precondition does not hold (412).';

-- What was first requested for a missing child, so that every attempt repeats it, whatever older facts arrive late.

alter table waits
    add column requested_for text,
    add column requested_left_at bigint,
    add column correlation text;
comment on column waits.requested_for is 'What the child was requested for: the incarnation of the parent, and the keys that the request takes from other relationships; null: it was not requested yet.';
comment on column waits.requested_left_at is 'The revision at which the last child had left when the child was requested; null: none had.';
comment on column waits.correlation is 'The correlation id of the request.';
