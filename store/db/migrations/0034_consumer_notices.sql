-- Which state of a consumer the feed has last been notified of.
alter table consumers add column notified text;
comment on column consumers.notified is 'at-risk or expired: a fact of Tether says so. Null: it is in neither state, as far as was looked.';
