alter table warroom.field_definition drop column max_length, drop column pattern;
