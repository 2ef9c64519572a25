-- Whether all that was recorded before a declaration was folded again by it.

alter table declared_meanings add column folded boolean not null default false;
comment on column declared_meanings.meaning is 'Names what it does; empty: it is not declared any more.';
