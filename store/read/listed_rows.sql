-- What snapshots and audits read of many-to-many links. The key of a row is the subject that its items have in the feed,
-- ["child","parent"] as JSON, and its hash is that of [key, parent, state]. What a function returns has no collation of its
-- own, so that of keys is named here.

-- name: snapshot_listed_links
-- The lines of a page of links, each ended by a line feed; the last key; how many; and the sum of their hashes.
select convert_to(coalesce(string_agg(concat(
           :before_key::text, substr(key, 2), :before_type::text,
           case state when 'linked' then 'Linked' when 'waiting' then 'Waiting' else 'Broken' end,
           :before_subject::text, key, ',"parent":', parent, ',"state":"', state, '"',
           :before_child::text, child, ',"parent":', parent, ',"state":"', state, '"',
           ',"stated_child":' || to_json(stated_child)::text, ',"stated_parent":' || to_json(stated_parent)::text,
           '}}', chr(10)), '' order by n), ''), 'UTF8') as lines,
       (array_agg(subject order by n desc))[1] as last, count(*) as rows,
       coalesce(sum(row_hash(concat('[', key, ',', parent, ',"', state, '"]'))), 0) as sum
from (
    select l.n, l.child, l.parent, s.subject, to_json(s.subject)::text as key, l.state, l.stated_child, l.stated_parent
    from (
        select row_number() over (order by l.child collate "C", l.parent collate "C") as n,
               to_json(l.child)::text as child, to_json(l.parent)::text as parent, l.state, l.stated_child, l.stated_parent
        from listed_links_at(:tenant, :relationship, :element_kind, :parent_lists, :revision, :after_child,
                             :after_parent, :size) l) l
    cross join lateral (select concat('[', l.child, ',', l.parent, ']') as subject) s
    offset 0) l

-- name: audit_listed_links
-- The buckets of a page of links: those below the prefixes, by a prefix of :digits digits, of links up to
-- (:until_child, :until_parent) (null: of all). Also the last key of the page, null if it is empty.
with page as materialized (
    select l.n, l.child, l.parent, s.subject, to_json(s.subject)::text as key, to_json(l.parent)::text as shown, l.state
    from (
        select row_number() over (order by l.child collate "C", l.parent collate "C") as n,
               l.child collate "C" as child, l.parent collate "C" as parent, l.state
        from listed_links_at(:tenant, :relationship, :element_kind, :parent_lists, :revision, :after_child,
                             :after_parent, :size) l) l
    cross join lateral (
        select concat('[', to_json(l.child)::text, ',', to_json(l.parent)::text, ']') as subject) s
)
select left(encode(sha256(convert_to(subject, 'UTF8')), 'hex'), :digits) as prefix, null as last, count(*) as rows,
       sum(row_hash('[' || key || ',' || shown || ',"' || state || '"]')) as sum
from page
where key_is_in(subject, :prefixes::text[])
  and (:until_child::text is null or (child, parent) <= (:until_child, :until_parent::text))
group by 1
union all
select null, (array_agg(subject order by n desc))[1], 0, 0 from page

-- name: audit_listed_link_rows
-- The hashes of those links of a page whose key begins, hashed, with one of the prefixes; and the last key of the page.
with page as materialized (
    select l.n, s.subject, to_json(s.subject)::text as key, to_json(l.parent)::text as shown, l.state
    from (
        select row_number() over (order by l.child collate "C", l.parent collate "C") as n, l.child, l.parent, l.state
        from listed_links_at(:tenant, :relationship, :element_kind, :parent_lists, :revision, :after_child,
                             :after_parent, :size) l) l
    cross join lateral (
        select concat('[', to_json(l.child)::text, ',', to_json(l.parent)::text, ']') as subject) s
)
select subject as key, null as last, row_hash('[' || key || ',' || shown || ',"' || state || '"]') as hash
from page
where key_is_in(subject, :prefixes::text[])
union all
select null, (array_agg(subject order by n desc))[1], 0 from page
