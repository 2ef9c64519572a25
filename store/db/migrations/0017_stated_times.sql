-- Where the owners of a parent and of its children state times, these can say that a child means the parent's new life,
-- although its fact arrived before the creation: one owner's facts were faster than the other's.

create function names_ended_life(
    tenant text, kind text, key text, data json, older jsonb, latest bytea, refs jsonb, relationship text, field text,
    before bigint, before_time timestamptz, before_nanoseconds smallint)
returns boolean stable language sql as $$
    select p.position < $10 and not coalesce(
        (select (f.time, f.time_nanoseconds) > ($11, $12) from facts f
         where f.tenant = $1 and f.kind = $2 and f.key = $3 and f.position = p.position and f.time is not null
         limit 1), false)
    from (select naming_position($4, $5, $6, $7, $8, $9) as position) p
$$;
comment on function names_ended_life is 'Whether a live child named its parent before the creation that arrived at the position :before: by arrival, and by time too, where both facts state one.';
