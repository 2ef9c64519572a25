-- name: parts_of_deletion
-- What the deletion of an entity concerns at a revision, by relationship: how many links, some, and the hash of all.
select relationship, count(*) as children, (array_agg(child order by child collate "C"))[1:5] as sample,
       encode(sha256(convert_to(string_agg(child || e'\x1f' || parent, e'\x1e'
                                           order by child collate "C", parent collate "C"), 'UTF8')), 'hex') as hash
from concerned_by_deletion($1, $2, $3, $4, $5, $6, $7, $8)
group by relationship
order by relationship collate "C"

-- name: parts_of_change
-- What a move or a detachment concerns at a revision: how many links, some, and the hash of all.
select relationship, count(*) as children, (array_agg(child order by child collate "C"))[1:5] as sample,
       encode(sha256(convert_to(string_agg(child || e'\x1f' || parent, e'\x1e'
                                           order by child collate "C", parent collate "C"), 'UTF8')), 'hex') as hash
from concerned_by_change($1, $2, $3, $4, $5, $6)
group by relationship

-- name: changes_of_deletion
-- What has appeared and vanished between two revisions of what the deletion of an entity concerns.
with planned as (
    select * from concerned_by_deletion($1, $2, $3, $4, $6, $7, $8, $9)
), present as (
    select * from concerned_by_deletion($1, $2, $3, $5, $6, $7, $8, $9)
), anew as (
    select n.* from present n join planned p using (relationship, child, parent)
    where n.since > $4 and departed($1, n.relationship, n.child, n.parent, $4)
)
select what, relationship, count(*) as children, (array_agg(child order by child collate "C"))[1:5] as sample
from (select 'appeared' as what, a.* from (select relationship, child, parent from present
                                           except select relationship, child, parent from planned) a
      union all
      select 'vanished', v.* from (select relationship, child, parent from planned
                                   except select relationship, child, parent from present) v
      union all
      select w.what, relationship, child, parent from anew cross join (values ('appeared'), ('vanished')) as w (what)) c
group by what, relationship
order by what, relationship collate "C"

-- name: changes_of_change
-- What has appeared and vanished between two revisions of what a move or a detachment concerns.
with planned as (
    select * from concerned_by_change($1, $2, $3, $4, $5, $6)
), present as (
    select * from concerned_by_change($1, $2, $3, $4, $5, $7)
), anew as (
    select n.* from present n join planned p using (relationship, child, parent)
    where n.since > $6 and departed($1, n.relationship, n.child, n.parent, $6)
)
select what, relationship, count(*) as children, (array_agg(child order by child collate "C"))[1:5] as sample
from (select 'appeared' as what, a.* from (select relationship, child, parent from present
                                           except select relationship, child, parent from planned) a
      union all
      select 'vanished', v.* from (select relationship, child, parent from planned
                                   except select relationship, child, parent from present) v
      union all
      select w.what, relationship, child, parent from anew cross join (values ('appeared'), ('vanished')) as w (what)) c
group by what, relationship
