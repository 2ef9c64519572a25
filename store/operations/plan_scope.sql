-- name: plan_scope
-- Counts, by relationship, the children that a deletion (:kind is given) or a move or detachment (:relationship is
-- given) would affect at a revision; with up to five of them, and the hash of the exact set.
with scope as (
    select * from concerned_by_deletion(:tenant, :kind, :key, :revision,
                                        :rule_names, :rule_parents, :rule_children, :rule_policies,
                                        :rule_many, :rule_shared)
    where :kind::text is not null
    union all
    select * from concerned_by_change(:tenant, :relationship, :parent, :children, :target, :revision)
    where :relationship::text is not null
)
select relationship, count(*) as children, (array_agg(child order by child collate "C"))[1:5] as sample,
       encode(sha256(convert_to(string_agg(child || e'\x1f' || parent, e'\x1e'
                                           order by child collate "C", parent collate "C"), 'UTF8')), 'hex') as hash
from scope
group by relationship
order by relationship collate "C"

-- name: plan_scope_changes
-- Counts, by relationship, the children that appeared in and vanished from the same set between two revisions; with up
-- to five of them. A child that left its parent and came back has vanished, and another has appeared.
with planned as (
    select * from concerned_by_deletion(:tenant, :kind, :key, :planned,
                                        :rule_names, :rule_parents, :rule_children, :rule_policies,
                                        :rule_many, :rule_shared)
    where :kind::text is not null
    union all
    select * from concerned_by_change(:tenant, :relationship, :parent, :children, :target, :planned)
    where :relationship::text is not null
), present as (
    select * from concerned_by_deletion(:tenant, :kind, :key, :present,
                                        :rule_names, :rule_parents, :rule_children, :rule_policies,
                                        :rule_many, :rule_shared)
    where :kind::text is not null
    union all
    select * from concerned_by_change(:tenant, :relationship, :parent, :children, :target, :present)
    where :relationship::text is not null
), returned as (
    select n.* from present n join planned p using (relationship, child, parent)
    where n.since > :planned and departed(:tenant, n.relationship, n.child, n.parent, :planned)
)
select what, relationship, count(*) as children, (array_agg(child order by child collate "C"))[1:5] as sample
from (select 'appeared' as what, a.* from (select relationship, child, parent from present
                                           except select relationship, child, parent from planned) a
      union all
      select 'vanished', v.* from (select relationship, child, parent from planned
                                   except select relationship, child, parent from present) v
      union all
      select w.what, relationship, child, parent
      from returned cross join (values ('appeared'), ('vanished')) as w (what)) c
group by what, relationship
order by what, relationship collate "C"

-- name: count_deleted
-- Counts the entities that would be deleted with an entity at a revision: each once, however many relationships lead to
-- it.
select count(distinct (r.child, c.child))
from concerned_by_deletion(:tenant, :kind, :key, :revision,
                           :rule_names, :rule_parents, :rule_children, :rule_policies,
                                        :rule_many, :rule_shared) c
join unnest(:rule_names::text[], :rule_children::text[], :rule_policies::text[]) as r (name, child, policy)
    on r.name = c.relationship and r.policy = 'cascade'
