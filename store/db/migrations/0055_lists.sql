-- Many to many: a link is one of several of its child, so the parent is in its key as well. An entry of the index is one
-- byte longer where a child has one parent.

alter table links add column many text collate "C" not null default '';
comment on column links.many is 'Of a many-to-many relationship: the parent again, which makes the link one of several of its child; else empty.';
alter table links drop constraint links_pkey;
alter table links add constraint links_pkey primary key (tenant, relationship, child, to_revision, many);

create table element_facts (
    tenant text collate "C",
    relationship text collate "C",
    key text collate "C",
    element text collate "C",
    order_key bytea not null,
    added boolean not null,
    primary key (tenant, relationship, key, element)
);
comment on table element_facts is 'The newest fact that adds an element to the list of an entity or removes it, of those that count: what the entity''s list says is older or newer.';
comment on column element_facts.key is 'The entity that has the list.';

-- What an instance waits for: the entity that links name, or the child that is requested. An instance is a parent; where
-- parents list their children, a child.
create function missing_side(tenant text, relationship text, key text, kind text, requested boolean, parent_lists boolean)
returns text stable language sql as $$
    select case when s.state = 'unknown' and s.is_named then case when $6 then 'child' else 'parent' end
                when s.state = 'live' and $5 and not s.is_named and not exists (
                    select from aliases a
                    where a.tenant = $1 and a.kind = $4 and a.key = $3 and a.to_revision = 9223372036854775807) then 'child' end
    from (select (select e.state from entities e
                  where e.tenant = $1 and e.kind = $4 and e.key = $3 and e.to_revision = 9223372036854775807) as state,
                 case when $6 then exists (select from links l
                         where l.tenant = $1 and l.relationship = $2 and l.child = $3
                           and l.to_revision = 9223372036854775807 and not l.of_former_incarnation)
                      else exists (select from links l
                         where l.tenant = $1 and l.relationship = $2 and l.parent = $3
                           and l.to_revision = 9223372036854775807 and not l.of_former_incarnation) end as is_named) s
$$;
comment on function missing_side(text, text, text, text, boolean, boolean) is 'What an instance of a relationship waits for: its parent, its child, or nothing (null).';

do $$
declare
    known record;
begin
    if current_setting('server_version_num')::int < 180000 then
        return;
    end if;
    for known in
        select * from (values
            ('element_facts', 'tenant', 1), ('element_facts', 'relationship', 5), ('element_facts', 'key', -0.1),
            ('element_facts', 'element', -0.5), ('links', 'many', -0.05)
        ) as k (relation, attribute, n_distinct)
    loop
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', known.relation::text, 'attname', known.attribute::text,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real);
    end loop;
end $$;
