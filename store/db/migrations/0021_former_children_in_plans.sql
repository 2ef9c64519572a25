-- A child that was requested for a former incarnation of its parent is no child of the present one: the deletion of the
-- present one does not concern it, and it does not restrict that. The cascade of the former incarnation is responsible.

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
    select r.name, l.child, d.key, l.from_revision
    from doomed d
    join rules r on r.parent = d.kind
    cross join lateral (
        select l.child, l.from_revision from links l
        where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
          and l.to_revision > $4 and l.from_revision <= $4 and not l.of_former_incarnation offset 0) l
    where r.child <> $2 or l.child <> $3
$$;
comment on function concerned_by_deletion is 'Every link to an entity, and to what would be deleted with it, at a revision, and since which one: by the rules of relationships (name, kinds, policy). Without links of the entity itself, and without those to former incarnations.';
