-- A child that was requested for one incarnation of its parent does not belong to the next one.

alter table links add column of_former_incarnation boolean not null default false;
create index links_of_former_incarnations on links (tenant, relationship, parent)
    where of_former_incarnation and to_revision = 9223372036854775807;
comment on column links.of_former_incarnation is 'The child was requested for an incarnation of its parent that has ended: the link is broken although the parent is live.';
comment on column entities.refs is 'Relationship to [order key (hex), parent] or [order key, parent, order key of the creation of the parent that the child was requested for], for references that are not in a field.';

create or replace function missing_side(tenant text, relationship text, parent text, parent_kind text, asked boolean)
returns text stable language sql as $$
    select case when s.state = 'unknown' and s.has_child then 'parent'
                when s.state = 'live' and asked and not s.has_child then 'child' end
    from (select (select e.state from entities e
                  where e.tenant = $1 and e.kind = $4 and e.key = $3 and e.to_revision = 9223372036854775807) as state,
                 exists (select from links l
                         where l.tenant = $1 and l.relationship = $2 and l.parent = $3
                           and l.to_revision = 9223372036854775807 and not l.of_former_incarnation) as has_child) s
$$;
