-- What was first requested for a missing child is remembered beyond its wait: a wait ends with any child, also with one
-- that was requested for an earlier life of the parent, and the owner may not have answered yet.

create table counterpart_requests (
    tenant text collate "C",
    relationship text collate "C",
    parent text collate "C",
    requested_for text not null,
    left_at bigint,
    correlation text not null,
    answered_at bigint,
    primary key (tenant, relationship, parent)
);
comment on table counterpart_requests is 'Requests for the missing child of an instance whose fact has not arrived: the newest one of each instance. Every attempt repeats it. Deleted by the fact that carries its correlation id, replaced by the request for the next incarnation of the parent.';
comment on column counterpart_requests.requested_for is 'The incarnation of the parent, and the keys that the request takes from other relationships.';
comment on column counterpart_requests.left_at is 'The revision at which the last child had left when the child was requested; null: none had.';
comment on column counterpart_requests.correlation is 'The correlation id of the request.';
comment on column counterpart_requests.answered_at is 'The child that was requested came, and was gone by this revision without ever having been linked: another one is requested. Null: it has not come.';

insert into counterpart_requests (tenant, relationship, parent, requested_for, left_at, correlation)
select tenant, relationship, parent, requested_for, requested_left_at, correlation
from waits
where requested_for is not null and correlation is not null;

comment on column waits.requested_for is 'Not used any more; a release before this one may still write it.';
comment on column waits.requested_left_at is 'Not used any more; a release before this one may still write it.';
comment on column waits.correlation is 'Not used any more; a release before this one may still write it.';

-- Facts that a process with a former declaration recorded while entities were folded again are folded afterwards.

create table kinds_to_fold (
    kind text primary key
);
comment on table kinds_to_fold is 'Kinds whose declaration of restarts has changed, and whose entities `tether migrate` has to fold once more: rows while it does, or since it was interrupted.';
