-- name: verify_revision_ends
-- The position of the last fact of each revision that has facts.
select revision, max(position) as last from facts where tenant = :tenant group by revision order by revision

-- name: verify_compared_since
-- The newest revision since which facts mean what they mean now; or one that no fact began, as a restore does.
select greatest(t.meaning_since, (select max(revision) from revisions where tenant = :tenant and facts = 0))
from tenant_revisions t where t.tenant = :tenant

-- name: verify_alias_versions
-- Each version of each alias, by key and revision.
select kind, key, from_revision, to_revision, survivor
from aliases where tenant = :tenant
order by kind, key, from_revision

-- name: verify_link_ends_versions
-- Each version of each link with its ends, by child, parent if it has several, and revision.
select relationship, child, many, from_revision, to_revision, parent, stated_child, stated_parent
from links where tenant = :tenant
order by relationship, child, many, from_revision
