alter table warroom.source drop column mapping;
