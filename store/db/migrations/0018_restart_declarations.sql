-- Whether an owner's sequences begin again decides the state that follows from its facts. What was declared when the tables
-- were folded is kept, so that `tether migrate` folds again what another declaration changes.

create table restarting_kinds (
    kind text primary key
);
comment on table restarting_kinds is 'The kinds whose entities were folded by the declaration that sequences begin again when a deleted key is used again.';
