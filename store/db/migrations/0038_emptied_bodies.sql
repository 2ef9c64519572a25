-- Bodies of facts that no fact can need any more are emptied. The rest of their rows stays.

alter table facts add column emptied text;
comment on column facts.emptied is 'Why data is empty although the fact had some, such as trimmed; null: it is as it was recorded.';

alter table horizons
    add column swept bigint not null default 0,
    add column sweeping bigint,
    add column sweep_kind text collate "C" not null default '',
    add column sweep_key text collate "C" not null default '',
    add column sweep_began timestamptz not null default '-infinity';
comment on column horizons.swept is 'All entities were looked at for bodies of facts that were sealed up to this revision.';
comment on column horizons.sweeping is 'The same of the pass that is under way, with the entity that it has come to; null: none is.';
