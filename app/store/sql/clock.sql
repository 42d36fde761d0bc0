-- The clock of the product. The law: all time is database time, and there is one function that tells it.

-- So plain that the planner writes it into every statement: a look into a table here cost a fifth of a step.
-- Tests, as the owner, replace it by one that is ahead.
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT clock_timestamp() $$;
COMMENT ON FUNCTION app_now() IS 'All time is database time. In a WHERE clause write (SELECT app_now()).';
