-- How far the rows of a snapshot are summed up: a reader that goes on need not wait until all before it are read again.

alter table snapshots
    add column counted_key text collate "C" not null default '',
    add column counted_rows bigint not null default 0,
    add column counted_sum numeric not null default 0;
comment on column snapshots.counted_key is 'Up to this key there are counted_rows rows, whose hashes have the sum counted_sum, as of its revision.';
