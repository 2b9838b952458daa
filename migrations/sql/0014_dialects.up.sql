-- What is where in the JSON of a source (warroom/ingest/mapping.py checks it); null for none.
alter table warroom.source add column mapping jsonb
  check (jsonb_typeof(mapping) = 'object' and length(mapping::text) <= 40000);
