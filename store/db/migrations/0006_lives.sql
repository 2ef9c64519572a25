-- What a plan names is links, and who has left and come back is another one, of another life perhaps.

drop function concerned_by_deletion, concerned_by_change;

create function concerned_by_deletion(
    tenant text, kind text, key text, at bigint, names text[], parents text[], children text[], policies text[])
returns table (relationship text, child text, parent text, since bigint) stable language sql as $$
    with recursive rules as (
        select * from unnest($5, $6, $7, $8) as r (name, parent, child, policy)
    ), doomed as (
        select $2 collate "C" as kind, $3 collate "C" as key
        union
        select r.child collate "C", l.child
        from doomed d
        join rules r on r.parent = d.kind and r.policy = 'cascade'
        cross join lateral (
            select l.child from links l
            where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
              and l.to_revision > $4 and l.from_revision <= $4 offset 0) l
    )
    select r.name, l.child, d.key, l.from_revision
    from doomed d
    join rules r on r.parent = d.kind
    cross join lateral (
        select l.child, l.from_revision from links l
        where l.tenant = $1 and l.relationship = r.name and l.parent = d.key
          and l.to_revision > $4 and l.from_revision <= $4 offset 0) l
$$;
comment on function concerned_by_deletion is 'Every link to an entity, and to what would be deleted with it, at a revision, and since which one: by the rules of relationships (name, kinds, policy).';

create function concerned_by_change(
    tenant text, relationship text, parent text, children text[], target text, at bigint)
returns table (relationship text, child text, parent text, since bigint) stable language sql as $$
    select $2, l.child, l.parent, l.from_revision
    from (select l.child, l.parent, l.from_revision from links l
          where l.tenant = $1 and l.relationship = $2 and l.parent = $3 and l.to_revision > $6 and l.from_revision <= $6
          union
          select l.child, l.parent, l.from_revision
          from unnest($4) as w (child)
          cross join lateral (
              select l.child, l.parent, l.from_revision from links l
              where l.tenant = $1 and l.relationship = $2 and l.child = w.child
                and l.to_revision > $6 and l.from_revision <= $6
              order by l.to_revision limit 1) l) l
    where l.parent is distinct from $5
$$;
comment on function concerned_by_change is 'Links of the children of a parent, and of those that are named, at a revision, and since which one; without those to the target.';

create function departed(tenant text, relationship text, child text, parent text, since bigint)
returns boolean stable language sql as $$
    select exists (
        select from links l
        where l.tenant = $1 and l.relationship = $2 and l.child = $3 and l.parent = $4
          and l.to_revision > $5 and l.to_revision < 9223372036854775807
          and not exists (
              select from links n
              where n.tenant = $1 and n.relationship = $2 and n.child = $3 and n.parent = $4
                and n.from_revision = l.to_revision))
$$;
comment on function departed is 'Whether a child has left a parent since a revision: not if its link was merely written anew, by another rank.';

comment on column items.since is 'Of a plan: its revision; else that from which it had belonged to its parent when it was first asked for.';
