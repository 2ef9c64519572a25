-- Which tables an erasure has written again: one that is locked for long must not let all others be written again.

alter table erasures add column rewritten text[] not null default '{}';
comment on column erasures.rewritten is 'Tables that were written again, while no session read by a snapshot from before.';
