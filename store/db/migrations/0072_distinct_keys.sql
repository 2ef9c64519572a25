-- The numbers of distinct keys that the planner expects, also after ANALYZE. Where it has seen the list of one entity
-- alone, it would expect that every link is of that entity, and read all links of the tenant for each look-up of one.

alter table links alter column child set (n_distinct = -0.2), alter column parent set (n_distinct = -0.02);
alter table element_facts alter column key set (n_distinct = -0.1), alter column element set (n_distinct = -0.5);
