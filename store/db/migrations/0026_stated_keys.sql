-- A command's precondition names the parent that the child's owner has stated, also if that is merged into another one.

create or replace function concerned_by_deletion(
    tenant text, kind text, key text, at bigint, names text[], parents text[], children text[], policies text[])
returns table (relationship text, child text, parent text, since bigint) stable language sql as $$
    with recursive rules as (
        select * from unnest($5, $6, $7, $8) as r (name, parent, child, policy)
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
    )
    select r.name, l.child, coalesce(l.stated_parent, d.key), l.from_revision
    from doomed d
    join rules r on r.parent = d.kind
    cross join lateral (
        select l.child, l.stated_parent, l.from_revision from links l
        where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
          and l.to_revision > $4 and l.from_revision <= $4 and not l.of_former_incarnation offset 0) l
    where r.child <> $2 or l.child <> $3
$$;
comment on function concerned_by_deletion is 'Every link to an entity, and to what would be deleted with it, at a revision, and since which one: by the rules of relationships (name, kinds, policy). Without links of the entity itself, and without those to former incarnations. parent: as the child''s owner stated it.';

create or replace function concerned_by_change(
    tenant text, relationship text, parent text, children text[], target text, at bigint)
returns table (relationship text, child text, parent text, since bigint) stable language sql as $$
    select $2, l.child, coalesce(l.stated_parent, l.parent), l.from_revision
    from (select l.child, l.parent, l.stated_parent, l.from_revision from links l
          where l.tenant = $1 and l.relationship = $2 and l.parent = $3 and l.to_revision > $6 and l.from_revision <= $6
          union
          select l.child, l.parent, l.stated_parent, l.from_revision
          from unnest($4) as w (child)
          cross join lateral (
              select l.child, l.parent, l.stated_parent, l.from_revision from links l
              where l.tenant = $1 and l.relationship = $2 and l.child = w.child
                and l.to_revision > $6 and l.from_revision <= $6
              order by l.to_revision limit 1) l) l
    where l.parent is distinct from $5
$$;
comment on function concerned_by_change is 'Links of the children of a parent, and of those that are named, at a revision, and since which one; without those to the target. parent: as the child''s owner stated it.';

create or replace function departed(tenant text, relationship text, child text, parent text, since bigint)
returns boolean stable language sql as $$
    select exists (
        select from links l
        where l.tenant = $1 and l.relationship = $2 and l.child = $3 and coalesce(l.stated_parent, l.parent) = $4
          and l.to_revision > $5 and l.to_revision < 9223372036854775807
          and not exists (
              select from links n
              where n.tenant = $1 and n.relationship = $2 and n.child = $3 and coalesce(n.stated_parent, n.parent) = $4
                and n.from_revision = l.to_revision))
$$;
comment on function departed is 'Whether a child has left a parent, as its owner states it, since a revision: not if its link was merely rewritten, with another rank or survivor.';
