-- What an audit compares, a page of rows at a time. A row whose first column is null says how far a page is. What a
-- function returns has no collation of its own, so that of keys is named here.

-- name: audit_links
-- The buckets of a page of links: those below the prefixes, by a prefix of :digits digits, of keys up to :until (null:
-- of all). Also the last key of the page, null if it is empty.
with page as materialized (
    select l.child collate "C" as child, to_json(l.child)::text as key, to_json(l.parent)::text as parent, l.state
    from links_at(:tenant, :relationship, :parent_kind, :exclusive, :revision, :after, :size) l
)
select left(encode(sha256(convert_to(child, 'UTF8')), 'hex'), :digits) as prefix, null as last, count(*) as rows,
       sum(row_hash('[' || key || ',' || parent || ',"' || state || '"]')) as sum
from page
where key_is_in(child, :prefixes::text[]) and (:until::text is null or child <= :until)
group by 1
union all
select null, max(child), 0, 0 from page

-- name: audit_link_rows
-- The hashes of those links of a page whose key begins, hashed, with one of the prefixes; and the last key of the page.
with page as materialized (
    select l.child collate "C" as child, to_json(l.child)::text as key, to_json(l.parent)::text as parent, l.state
    from links_at(:tenant, :relationship, :parent_kind, :exclusive, :revision, :after, :size) l
)
select child as key, null as last, row_hash('[' || key || ',' || parent || ',"' || state || '"]') as hash
from page
where key_is_in(child, :prefixes::text[])
union all
select null, max(child), 0 from page
