-- What was published, where the ledger holds something else: facts of one message of another system, keys in normal form.

alter table facts add column published json;
comment on column facts.published is 'What was published, where the row has something else: the subject before it was normalized; beside the first fact of a message its type, subject and data. null: as the row says.';

create table declared_meanings (
    name text collate "C" primary key,
    meaning text collate "C" not null
);
comment on table declared_meanings is 'Declarations by which facts are read, that the tables were folded by: the upcaster of a type, the normal form of the keys of a kind.';
