-- The roles. The law: the owner migrates; processes take one of two roles, and what each may do stands in grants.sql. A worker cannot
-- approve; the web cannot begin a payment. Roles belong to the whole server, and no dump of a database carries them: a new
-- cluster gets them here. Who migrates must be able to take both.
DO $$
DECLARE
    name text;
    -- Since Postgres 16 whoever makes a role is a member of it without being able to take it.
    takes text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    PERFORM pg_advisory_xact_lock(7070001);
    FOREACH name IN ARRAY ARRAY['longhaul_worker', 'longhaul_web'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
                EXECUTE format('GRANT %I TO CURRENT_USER', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this server was migrated at the same time
            END;
        END IF;
        IF NOT pg_has_role(current_user, name, takes) THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
    END LOOP;
END $$;
