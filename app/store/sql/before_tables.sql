-- What tables need before they can be made. The law: a function that an index, a default or a check of a table calls stands here
-- and nowhere else, and calls no table itself. This file is applied before the migrations and all others after them, because
-- `CREATE INDEX … (payee_key(payee))` in a migration must find the function, also in a database that is empty.
-- Who changes what such a function returns rebuilds each index that holds its results, by REINDEX in a migration.

-- Two spellings of a payee that a bank would not tell apart are one: accents as one sign or two, no-break spaces, signs of no width.
CREATE OR REPLACE FUNCTION payee_key(p_payee text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(btrim(regexp_replace(regexp_replace(normalize(p_payee, NFKC), U&'[\00AD\200B-\200F\202A-\202E\2060-\2064\FEFF]', '', 'g'),
        '\s+', ' ', 'g')))
$$;
