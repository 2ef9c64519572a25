-- Names of tables and columns become the terms of the glossary. The data stays.

alter table heads rename to tenant_revisions;
alter index heads_pkey rename to tenant_revisions_pkey;
comment on table tenant_revisions is 'Current revision of each tenant. Every write locks the row first, so that revision order is commit order.';

alter table intents rename to outbox;
alter index intents_pkey rename to outbox_pkey;
alter index intents_to_dispatch rename to outbox_to_dispatch;
alter index intents_dispatched rename to outbox_dispatched;
comment on table outbox is 'Workflows to start or signal, each with the fact that is the reason. A row stays until its workflow has read that fact.';

alter table waits rename column lacks to missing;
alter table waits rename column debtor to owner;
alter table waits rename column since to waiting_since;
alter table waits rename column start_at to workflow_after;
alter table waits rename column started_at to workflow_started_at;
alter table waits rename column told_at to overdue_notified_at;
alter table waits rename column note to last_error;
comment on table waits is 'One row for each instance of a relationship whose parent or child is missing, for as long as it is.';
comment on column waits.missing is 'parent or child.';
comment on column waits.owner is 'The owner whose fact would end the wait.';
comment on column waits.due is 'The deadline: after it the instance is overdue.';
comment on column waits.workflow_after is 'End of the grace period: the instance gets a workflow then, if it is still waiting.';
comment on column waits.workflow_started_at is 'When its workflow was started, or was last found running.';
comment on column waits.overdue_notified_at is 'When RelationshipOverdue was recorded for this wait.';
comment on column waits.last_error is 'Why the last attempt to end the wait failed; empty: none did.';

alter function lacking rename to missing_side;
comment on function missing_side is 'Which side an instance of a relationship waits for: parent, child (if a command requests it), or null.';
