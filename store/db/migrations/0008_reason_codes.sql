-- Why operations and their children are stuck, ended, skipped or parked: codes with their values instead of sentences,
-- which were compared and matched. The codes are read from the sentences that are stored.

alter table operations rename column reason to last_error;
alter table operations
    add column stuck_cause text,
    add column stuck_relationship text collate "C",
    add column stuck_details jsonb,
    add column unanswered_attempt boolean not null default false,
    add column ended_because text,
    add column end_details jsonb,
    add column owner_may_still_act boolean not null default false;
comment on column operations.last_error is 'What the owner, or the connection to it, said last. For people only.';
comment on column operations.stuck_since is 'Since when it has been stuck; null: it is not.';
comment on column operations.stuck_cause is 'owner_error (attempts at an owner fail), silence (facts of requested children do not arrive) or not_declared; null: it is not stuck.';
comment on column operations.stuck_relationship is 'Of owner_error: the relationship whose children are concerned; null: the operation''s own request.';
comment on column operations.stuck_details is 'Values that the sentence about stuck_cause needs.';
comment on column operations.unanswered_attempt is 'The last attempt at the operation''s own request failed: the owner may have carried it out all the same.';
comment on column operations.ended_because is 'Why it ended as it did, a code of messages/operation_reasons.py; null: the state says it all.';
comment on column operations.end_details is 'Values that the sentence about ended_because needs.';
comment on column operations.owner_may_still_act is 'It ended, and its owner may still do what was requested. Of a cancelled deletion: the children are kept then.';

create temporary table read_reasons on commit drop as
select o.tenant, o.id, r.*, d.*
from operations o
cross join lateral (
    select o.state in ('waiting', 'requested', 'running') as open,
           regexp_replace(o.last_error, '; (it may still move|its owner had been asked already, and may still delete it)$', '')
               as said,
           o.last_error ~ '; (it may still move|its owner had been asked already, and may still delete it)$'
               or (o.state = 'cancelled'
                   and o.last_error in ('the owner had been asked already: it may still move',
                                        'the owner had been asked already: if it deletes it, its children are left'))
               as may_still_act) r
cross join lateral (
    select regexp_match(r.said, '^not declared any more: (.*); declare it again, or cancel this operation$') as undeclared,
           regexp_match(r.said, '^facts of children: (\d+) have not come since (\d+-\d+-\d+ \d+:\d+) UTC(?:: (.*))?$') as silent,
           regexp_match(r.said, '^(\S+): (.*)$') as of_relationship,
           regexp_match(r.said, '^([a-z][a-z0-9_]*) (.*) is deleted$') as deleted,
           regexp_match(r.said, '^([a-z][a-z0-9_]*) (.*) was deleted and created anew$') as recreated,
           regexp_match(r.said, '^([a-z][a-z0-9_]*) (.*) was not heard of in time$') as missing,
           regexp_match(r.said, '^([a-z][a-z0-9_]*) (.*) is not linked to (\S+) (.*) any more$') as unlinked,
           regexp_match(r.said, '^operation (\S+) came after it$') as superseded,
           regexp_match(r.said, '^by operation (\S+)$') as by_other,
           regexp_match(r.said, '^the (\S+) was created anew since$') as recreated_before,
           regexp_match(r.said, '^the (\S+) was created anew: what was left of it is spared$') as recreated_midway,
           regexp_match(r.said, '^(\d+) more were asked for, (\d+) were not$') as stopped,
           regexp_match(r.said, '^children parked: (\d+)$') as parked,
           regexp_match(r.said, '^(\S+) was not told in time$') as unconfirmed,
           regexp_match(r.said, '^([a-z][a-z0-9_]*) ''(.*)'' cannot be deleted: (\S+) ''(.*)'' belongs to (\S+) ''(.*)'' by (\S+), which restricts that; move or delete the \S+ first$') as restricted) d
where o.last_error <> '';

update operations o
set unanswered_attempt = o.state in ('waiting', 'requested') and r.undeclared is null,
    stuck_since = coalesce(o.stuck_since, case when r.parked is null then now() end),
    stuck_cause = case when r.undeclared is not null then 'not_declared'
                       when r.silent is not null then 'silence'
                       when r.parked is null then 'owner_error' end,
    stuck_relationship = case when o.state = 'running' and r.undeclared is null and r.silent is null then r.of_relationship[1] end,
    stuck_details = case when r.undeclared is not null then jsonb_build_object('declaration', r.undeclared[1])
                         when r.silent is not null
                         then jsonb_build_object('unconfirmed', r.silent[1]::bigint,
                                                 'since', replace(r.silent[2], ' ', 'T') || ':00+00:00') end,
    last_error = case when r.undeclared is not null or r.parked is not null then ''
                      when r.silent is not null then coalesce(r.silent[3], '')
                      when o.state = 'running' then coalesce(r.of_relationship[2], r.said)
                      else r.said end
from read_reasons r
where o.tenant = r.tenant and o.id = r.id and r.open;

update operations o
set owner_may_still_act = r.may_still_act,
    ended_because = e.code,
    end_details = case when e.code in ('request_refused', 'other') then null else e.details end,
    last_error = case when e.code in ('request_refused', 'other') or (e.code = 'not_confirmed' and r.unconfirmed is null
                           and r.said <> 'the owner''s fact has not come') then r.said else '' end
from read_reasons r
cross join lateral (
    select case when r.undeclared is not null then 'not_declared'
                when r.deleted is not null then 'entity_deleted'
                when r.recreated is not null then 'entity_recreated'
                when r.missing is not null then 'entity_missing'
                when r.unlinked is not null then 'not_linked'
                when r.superseded is not null then 'superseded'
                when r.by_other is not null then 'deleted_by_other_operation'
                when r.recreated_before is not null then 'recreated_since_request'
                when r.recreated_midway is not null then 'recreated_during_cascade'
                when r.stopped is not null then 'stopped_midway'
                when r.parked is not null then 'children_parked'
                when r.restricted is not null then 'restricted'
                when r.said = 'it had come about already; its children are left' then 'already_deleted'
                when r.may_still_act and r.said like 'the owner had been asked already: %' then null
                else 'other' end as code,
           case when r.undeclared is not null then jsonb_build_object('declaration', r.undeclared[1])
                when r.deleted is not null then jsonb_build_object('kind', r.deleted[1], 'key', r.deleted[2])
                when r.recreated is not null then jsonb_build_object('kind', r.recreated[1], 'key', r.recreated[2])
                when r.missing is not null then jsonb_build_object('kind', r.missing[1], 'key', r.missing[2])
                when r.unlinked is not null
                then jsonb_build_object('child_kind', r.unlinked[1], 'child', r.unlinked[2],
                                        'parent_kind', r.unlinked[3], 'parent', r.unlinked[4])
                when r.superseded is not null then jsonb_build_object('operation', r.superseded[1])
                when r.by_other is not null then jsonb_build_object('operation', r.by_other[1])
                when r.recreated_before is not null then jsonb_build_object('kind', r.recreated_before[1])
                when r.recreated_midway is not null then jsonb_build_object('kind', r.recreated_midway[1])
                when r.stopped is not null
                then jsonb_build_object('unconfirmed', r.stopped[1]::bigint, 'remaining', r.stopped[2]::bigint)
                when r.parked is not null then jsonb_build_object('parked', r.parked[1]::bigint)
                when r.restricted is not null
                then jsonb_build_object('kind', r.restricted[1], 'key', r.restricted[2], 'child_kind', r.restricted[3],
                                        'child', r.restricted[4], 'parent_kind', r.restricted[5],
                                        'parent', r.restricted[6], 'relationship', r.restricted[7])
           end as details) k
cross join lateral (
    select case when k.code = 'other' and x.state = 'refused' then 'request_refused'
                when k.code = 'other' and x.state = 'expired' then 'not_confirmed'
                else k.code end as code,
           case when r.unconfirmed is not null then jsonb_build_object('fact', r.unconfirmed[1])
                when k.code = 'already_deleted' then jsonb_build_object('kind', x.about, 'key', x.key)
                else k.details end as details
    from operations x where x.tenant = r.tenant and x.id = r.id) e
where o.tenant = r.tenant and o.id = r.id and not r.open;

drop table read_reasons;

-- The same for children. Before, a requested child had a reason exactly if its owner had replied that it was not there.

update operation_children set reported_missing = true where state = 'requested' and last_error <> '';

update operation_children
set skip_reason = 'left_and_returned', last_error = ''
where state = 'skipped' and last_error = 'it left its parent, and came back by another fact';

create temporary table read_park_reasons on commit drop as
select c.tenant, c.operation, c.relationship, c.child, d.*,
       o.kind = 'move' and split_part(c.last_error, ' ', 1) || ' ' || o.parent || ' is deleted' = c.last_error as target_deleted
from operation_children c
join operations o on o.tenant = c.tenant and o.id = c.operation
cross join lateral (
    select regexp_match(c.last_error, '^asked for at (\d+-\d+-\d+ \d+:\d+) UTC, and no fact has come of it(?:: (.*))?$')
               as unconfirmed,
           regexp_match(c.last_error, '^([a-z][a-z0-9_]*) ''(.*)'' cannot be deleted: (\S+) ''(.*)'' belongs to (\S+) ''(.*)'' by (\S+), which restricts that; move or delete the \S+ first$')
               as restricted) d
where c.state in ('parked', 'skipped') and c.last_error <> '';

update operation_children c
set park_reason = case when r.unconfirmed is not null then 'not_confirmed'
                       when r.restricted is not null then 'restricted'
                       when r.target_deleted then 'target_deleted'
                       when c.state = 'parked' and c.attempts >= 30 then 'attempts_exhausted'
                       when c.state = 'parked' then 'request_refused' end,
    details = case when r.unconfirmed is not null
                   then jsonb_build_object('since', replace(r.unconfirmed[1], ' ', 'T') || ':00+00:00')
                   when r.restricted is not null
                   then jsonb_build_object('kind', r.restricted[1], 'key', r.restricted[2], 'child_kind', r.restricted[3],
                                           'child', r.restricted[4], 'parent_kind', r.restricted[5],
                                           'parent', r.restricted[6], 'relationship', r.restricted[7])
                   when r.target_deleted
                   then jsonb_build_object('kind', split_part(c.last_error, ' ', 1), 'key', o.parent) end,
    last_error = case when r.unconfirmed is not null then coalesce(r.unconfirmed[2], '')
                      when r.restricted is not null or r.target_deleted then ''
                      else c.last_error end
from read_park_reasons r
join operations o on o.tenant = r.tenant and o.id = r.operation
where c.tenant = r.tenant and c.operation = r.operation and c.relationship = r.relationship and c.child = r.child;

drop table read_park_reasons;
