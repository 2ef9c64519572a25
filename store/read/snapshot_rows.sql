-- Pages of what a snapshot holds, by key: each reads a bounded number of versions, wherever it begins.

-- name: count_snapshot_links
-- The links of a relationship that are valid at a revision: those whose version ends after it, without those that began
-- after it, which are few where the revision is new. Reads the whole range of one index.
select (select count(*) from links
        where tenant = :tenant and relationship = :relationship and to_revision > :revision)
     - (select count(*) from links
        where tenant = :tenant and from_revision > :revision and from_revision <= :head
          and relationship || '' = :relationship)

-- name: count_snapshot_entities
-- The keys of a kind that are live at a revision, and those that are merged then without being live. Reads the whole
-- range of one index, with its rows. The expression from_revision + 0 keeps PostgreSQL from reading by that column.
select (select count(*) from entities
        where tenant = :tenant and kind = :kind and to_revision > :revision and from_revision + 0 <= :revision
          and state = 'live')
     + (select count(*) from aliases a
        where a.tenant = :tenant and a.kind = :kind and a.to_revision > :revision and a.from_revision + 0 <= :revision
          and not exists (
              select from entities e
              where e.tenant = :tenant and e.kind = :kind and e.key = a.key and e.to_revision > :revision
                and e.from_revision <= :revision and e.state = 'live'))

-- name: snapshot_links
-- The lines of a page of links, each ended by a line feed, made of texts that are the same for all lines; the last key;
-- how many; and the sum of their hashes. The lines keep the order of the index by which the page is read: to sort them
-- would take a tenth of the time. What a function returns has no collation of its own, so it is named here.
select convert_to(coalesce(string_agg(concat(
           :before_key::text, substr(child, 2), :before_type::text,
           case state when 'linked' then 'Linked' when 'waiting' then 'Waiting' when 'broken' then 'Broken'
                      else 'Conflict' end,
           :before_subject::text, child, ',"parent":', parent, ',"state":"', state, '"',
           :before_child::text, child, ',"parent":', parent, ',"state":"', state, '"',
           ',"stated_child":' || to_json(stated_child)::text, ',"stated_parent":' || to_json(stated_parent)::text,
           '}}', chr(10)), ''), ''), 'UTF8') as lines,
       max(key) as last, count(*) as rows,
       coalesce(sum(row_hash(concat('[', child, ',', parent, ',"', state, '"]'))), 0) as sum
from (
    select l.child collate "C" as key, to_json(l.child)::text as child, to_json(l.parent)::text as parent, l.state,
           l.stated_child, l.stated_parent
    from links_at(:tenant, :relationship, :parent_kind, :exclusive, :revision, :after, :size) l
    offset 0) l

-- name: snapshot_entities
-- A page of the keys of a kind, by key, with the data of those that are live at a revision: at least one, then as many
-- as have less than :room bytes of data together. The size of data that is not compressed is known without reading it.
-- Only keys whose hash begins with one of the prefixes have their data; null: all.
select key, data, null::text as survivor
from (
    select e.key, case when e.state = 'live' and key_is_in(e.key, :prefixes::text[]) then e.data end as data,
           sum(case when e.state <> 'live' then 0
                    when pg_column_compression(e.data) is null then pg_column_size(e.data)
                    else octet_length(e.data::text) end) over (order by e.key rows unbounded preceding) as size,
           row_number() over (order by e.key) as n
    from (
        select key, state, data from entities
        where tenant = :tenant and kind = :kind and to_revision > :revision and from_revision <= :revision
          and key > :after
        order by key
        limit :size) e) p
where size < :room or n = 1
order by key

-- name: snapshot_merged_entities
-- The same where keys of the kind may be merged: also keys that have no record, each with its survivor.
with page as (
    select key
    from ((select key from entities
           where tenant = :tenant and kind = :kind and to_revision > :revision and from_revision <= :revision
             and key > :after
           order by key
           limit :size)
          union
          (select key from aliases
           where tenant = :tenant and kind = :kind and to_revision > :revision and from_revision <= :revision
             and key > :after
           order by key
           limit :size)) k
    order by key
    limit :size
)
select key, data, survivor
from (
    select p.key, case when e.state = 'live' and w.wanted then e.data end as data,
           case when w.wanted then a.survivor end as survivor,
           sum(case when e.state = 'live' then octet_length(e.data::text) else 0 end)
               over (order by p.key rows unbounded preceding) as size,
           row_number() over (order by p.key) as n
    from page p
    cross join lateral (select key_is_in(p.key, :prefixes::text[]) as wanted) w
    left join lateral (
        select state, data from entities
        where tenant = :tenant and kind = :kind and key = p.key
          and to_revision > :revision and from_revision <= :revision
        order by to_revision limit 1) e on true
    left join lateral (
        select survivor from aliases
        where tenant = :tenant and kind = :kind and key = p.key
          and to_revision > :revision and from_revision <= :revision
        order by to_revision limit 1) a on true) s
where size < :room or n = 1
order by key
