-- Which children of many-to-many relationships are requested, and what a deletion concerns there.

create function is_requestable(
    tenant text, relationship text, child text, parent text, child_kind text, parent_kind text, skip_shared boolean,
    at bigint)
returns boolean stable language sql as $$
    select exists (
        select from entities e
        where e.tenant = $1 and e.kind = $5 and e.key = $3 and e.to_revision > $8 and e.from_revision <= $8
          and e.state = 'live')
      and not ($7 and exists (
        select from (select o.many from links o
                     where o.tenant = $1 and o.relationship = $2 and o.child = $3
                       and o.to_revision > $8 and o.from_revision <= $8 and o.many <> $4 offset 0) o
        where not exists (
            select from entities p
            where p.tenant = $1 and p.kind = $6 and p.key = o.many and p.to_revision > $8 and p.from_revision <= $8
              and p.state = 'deleted' offset 0)))
$$;
comment on function is_requestable is 'Whether a child of a parent is live at a revision and, with skip_shared, has no other parent in the relationship that is not deleted.';

create function concerned_by_deletion(
    tenant text, kind text, key text, at bigint, names text[], parents text[], children text[], policies text[],
    many boolean[], shared boolean[])
returns table (relationship text, child text, parent text, since bigint) stable language sql as $$
    with recursive rules as (
        select * from unnest($5, $6, $7, $8, $9, $10) as r (name, parent, child, policy, many, shared)
    ), doomed as (
        select $2 collate "C" as kind, $3 collate "C" as key
        union -- not "all": what was reached before, by a circle or by another relationship, is not followed again
        select r.child collate "C", l.child
        from doomed d
        join rules r on r.parent = d.kind and r.policy = 'cascade'
        cross join lateral (
            select l.child from links l
            where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
              and l.to_revision > $4 and l.from_revision <= $4 and not l.of_former_incarnation offset 0) l
        where not r.many or is_requestable($1, r.name, l.child, d.key, r.child, r.parent, r.shared, $4)
    )
    select r.name, l.child, coalesce(l.stated_parent, d.key), l.from_revision
    from doomed d
    join rules r on r.parent = d.kind
    cross join lateral (
        select l.child, l.stated_parent, l.from_revision from links l
        where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
          and l.to_revision > $4 and l.from_revision <= $4 and not l.of_former_incarnation offset 0) l
    where (r.child <> $2 or l.child <> $3)
      and (not r.many or is_requestable($1, r.name, l.child, d.key, r.child, r.parent, r.shared, $4))
$$;
comment on function concerned_by_deletion(text, text, text, bigint, text[], text[], text[], text[], boolean[], boolean[]) is 'Every link to an entity, and to what would be deleted with it, at a revision, and since which one: by the rules of relationships (name, kinds, policy, whether they are many to many, and skip children that are shared). Without links of the entity itself, and without those to former incarnations. parent: as it was stated.';
