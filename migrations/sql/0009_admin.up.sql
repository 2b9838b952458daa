-- What the text of a custom field may be: how long, and of which form.  Columns that come later
-- are nullable and without a default: an audit entry from before them still says all of the row.
alter table warroom.field_definition
  add column max_length integer check (max_length between 1 and 2000),
  add column pattern text check (length(pattern) between 1 and 200);
