-- A connection nobody has named goes by its vendor's name in the language of whoever
-- reads it. Until now it was named for its id.
UPDATE connections SET name = '' WHERE name = id;
