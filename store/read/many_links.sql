-- Pages of many-to-many links that are valid at a revision, each with the state of the entity that it names: deleted, if
-- the link is of a life of its parent that has ended.

-- name: listed_links_page
-- A page of a relationship's links, by child and parent.
select l.child, l.parent, l.since, case when l.of_former_incarnation then 'deleted' else p.state end as parent_state,
       l.stated_child, l.stated_parent
from (
    select child, parent, since, of_former_incarnation, stated_child, stated_parent from links
    where tenant = :tenant and relationship = :relationship
      and to_revision > :revision and from_revision <= :revision
      and child >= :after_child and (child > :after_child or parent > :after_parent)
    order by child, parent
    limit :size) l
left join lateral (
    select state from entities e
    where e.tenant = :tenant and e.kind = :element_kind
      and e.key = case when :parent_lists::boolean then l.child else l.parent end
      and e.to_revision > :revision and e.from_revision <= :revision
    order by e.to_revision limit 1) p on true
order by l.child, l.parent

-- name: listed_links_of_child
-- A page of the links of one child, by parent; of one parent alone, if it is given. Reads all links of the child.
select l.child, l.parent, l.since, case when l.of_former_incarnation then 'deleted' else p.state end as parent_state,
       l.stated_child, l.stated_parent
from (
    select child, parent, since, of_former_incarnation, stated_child, stated_parent from links
    where tenant = :tenant and relationship = :relationship and child = :child
      and to_revision > :revision and from_revision <= :revision
      and many > :after_parent and (:parent::text is null or many = :parent)
    order by many
    limit :size) l
left join lateral (
    select state from entities e
    where e.tenant = :tenant and e.kind = :element_kind
      and e.key = case when :parent_lists::boolean then l.child else l.parent end
      and e.to_revision > :revision and e.from_revision <= :revision
    order by e.to_revision limit 1) p on true
order by l.parent

-- name: listed_links_of_parent
-- A page of the links of one parent, by child.
select l.child, l.parent, l.since, case when l.of_former_incarnation then 'deleted' else p.state end as parent_state,
       l.stated_child, l.stated_parent
from (
    select child, parent, since, of_former_incarnation, stated_child, stated_parent from links
    where tenant = :tenant and relationship = :relationship and parent = :parent and child > :after_child
      and to_revision > :revision and from_revision <= :revision
    order by child
    limit :size) l
left join lateral (
    select state from entities e
    where e.tenant = :tenant and e.kind = :element_kind
      and e.key = case when :parent_lists::boolean then l.child else l.parent end
      and e.to_revision > :revision and e.from_revision <= :revision
    order by e.to_revision limit 1) p on true
order by l.child

-- name: parents_of
-- The parents of these children, child by child: of each those after a parent, whose link is valid at a revision and
-- began no later than another revision. Without :former, only those of the present incarnations.
select c.n::int as n, l.many as child, l.since, l.of_former_incarnation as former, l.stated_child, l.stated_parent
from unnest(:relationships::text[], :children::text[], :after_parents::text[], :revisions::bigint[],
            :begun_by::bigint[]) with ordinality
     as c (relationship, child, after, revision, begun_by, n)
cross join lateral (
    select many, since, of_former_incarnation, stated_child, stated_parent from links
    where tenant = :tenant and relationship = c.relationship and child = c.child and many > c.after
      and to_revision > c.revision and from_revision <= c.begun_by and (:former::boolean or not of_former_incarnation)
    order by many
    limit :size) l
order by c.n, l.many
limit :size
