-- What the planner shall believe of columns that were never analyzed: few tenants, few kinds, many keys.
-- Without it every column counts as equally choosy, a plan made while the tables are empty may look rows up by the
-- tenant alone, and prepared statements keep it while the tables grow. ANALYZE replaces this by what it finds.
-- Before PostgreSQL 18 it cannot be said; the first minutes of a bulk load are slow there.
do $$
declare
    known record;
begin
    if current_setting('server_version_num')::int < 180000 then
        return;
    end if;
    for known in
        select * from (values
            ('facts', 'tenant', 1), ('facts', 'source', 20), ('facts', 'id', -1), ('facts', 'revision', -0.01),
            ('facts', 'kind', 20), ('facts', 'key', -0.5),
            ('entities', 'tenant', 1), ('entities', 'kind', 20), ('entities', 'key', -0.8),
            ('entities', 'from_revision', -0.01),
            ('links', 'tenant', 1), ('links', 'relationship', 20), ('links', 'child', -0.5), ('links', 'parent', -0.05),
            ('links', 'from_revision', -0.01)
        ) as k (relation, attribute, n_distinct)
    loop
        perform pg_restore_attribute_stats(
            'schemaname', 'tether', 'relname', known.relation::text, 'attname', known.attribute::text,
            'inherited', false, 'null_frac', 0::real, 'avg_width', 12, 'n_distinct', known.n_distinct::real);
    end loop;
end $$;
