-- name: note_merges
-- Adds merges of facts, or their facts to those that were requested. losers: JSON arrays.
insert into merges as m (tenant, id, kind, survivor, losers, reason, created_at, source, fact, revision)
select :tenant, w.id, w.kind, w.survivor,
       array(select distinct key collate "C" from json_array_elements_text(w.losers::json) as l (key) order by 1),
       w.reason, :now, w.source, w.fact, :revision
from unnest(:ids::text[], :kinds::text[], :survivors::text[], :losers::text[], :reasons::text[], :sources::text[],
            :facts::text[])
     as w (id, kind, survivor, losers, reason, source, fact)
on conflict (tenant, id) do update
set source = coalesce(m.source, excluded.source), fact = coalesce(m.fact, excluded.fact),
    revision = coalesce(m.revision, excluded.revision),
    losers = array(select distinct key collate "C" from unnest(m.losers || excluded.losers) as l (key) order by 1)
