-- A page of many-to-many links at a revision, by child and parent, after both keys, each with its state as the feed has it.
create function listed_links_at(
    tenant text, relationship text, element_kind text, parent_lists boolean, at bigint, after_child text,
    after_parent text, size int)
returns table (child text, parent text, state text, stated_child text, stated_parent text) stable language sql as $$
    select l.child, l.parent,
           case when l.of_former_incarnation or p.state = 'deleted' then 'broken'
                when p.state is distinct from 'live' then 'waiting'
                else 'linked' end,
           l.stated_child, l.stated_parent
    from (
        select child, parent, of_former_incarnation, stated_child, stated_parent from links
        where tenant = $1 and relationship = $2 and to_revision > $5 and from_revision <= $5
          and child >= $6 and (child > $6 or parent > $7)
        order by child, parent
        limit $8) l
    left join lateral (
        select e.state from entities e
        where e.tenant = $1 and e.kind = $3 and e.key = case when $4 then l.child else l.parent end
          and e.to_revision > $5 and e.from_revision <= $5
        order by e.to_revision limit 1) p on true
$$;
comment on function listed_links_at is 'A page of the links of a many-to-many relationship at a revision, by child and parent, each with its state then.';
