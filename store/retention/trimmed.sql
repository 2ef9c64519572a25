-- name: count_trimmed
-- Adds to the number of rows that were trimmed.
insert into trimmed_rows as t (tenant, what, rows) values (:tenant, :what, :rows)
on conflict (tenant, what) do update set rows = t.rows + excluded.rows

-- name: trimmed_rows
-- How many rows of a tenant were trimmed.
select what, rows from trimmed_rows where tenant = :tenant order by what
