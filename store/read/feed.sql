-- name: feed_revisions
-- The revisions from one on up to the newest, each with its number of facts.
select revision, facts from revisions
where tenant = :tenant and revision >= :first and revision <= :head
order by revision
limit :size
