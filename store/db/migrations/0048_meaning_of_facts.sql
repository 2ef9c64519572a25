-- The audit compares the past of links and aliases with what the facts mean now. What was written while they meant
-- something else, by another declaration or an earlier version of Tether, cannot be compared.

alter table tenant_revisions add column meaning_since bigint not null default 0;
update tenant_revisions set meaning_since = revision;
comment on column tenant_revisions.meaning_since is 'The revision since which facts mean what they mean now: what was written before it follows from other declarations or rules.';
