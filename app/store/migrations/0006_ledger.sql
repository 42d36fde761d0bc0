-- What still led past the ledger. Laws kept here: what a person is shown stays what they were shown; who is asked anew
-- has not approved yet; the ledger does not go with its run; one payee is one, however the letters are encoded.

-- A task's question, and for whom it is, are written once. Afterwards it is worked at and answered.
REVOKE UPDATE ON human_tasks FROM longhaul_worker, longhaul_web;
GRANT UPDATE (status, row_version, claimed_by, claimed_at, follow_up_at, parked_reason, evidence_at, sla_at) ON human_tasks
    TO longhaul_worker, longhaul_web;
GRANT UPDATE (outcome, answer, answer_hash, completed_by, completed_at) ON human_tasks TO longhaul_web;

-- Deleting a run took its actions along, and with them the knowledge of what was paid.
REVOKE DELETE ON runs FROM longhaul_worker;
-- Before Postgres 15 everybody might put functions and operators where ours, which run as the owner, look for theirs.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- A person is asked about a purpose again: what was approved of it before, and never begun, is a proposal and no more.
CREATE FUNCTION approved_no_more() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE actions SET status = 'PROPOSED' WHERE run_id = NEW.run_id AND status = 'APPROVED'
        AND purpose IN (SELECT p ->> 'purpose' FROM jsonb_array_elements(NEW.proposals) p);
    RETURN NEW;
END $$;
CREATE TRIGGER human_tasks_ask_anew AFTER INSERT ON human_tasks
    FOR EACH ROW WHEN (NEW.kind = 'work' AND NEW.proposals <> '[]') EXECUTE FUNCTION approved_no_more();

-- Whose account is closed approves nothing, whatever session or key of theirs is still open.
CREATE FUNCTION refuse_disabled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM users WHERE username = NEW.approver AND disabled_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the account of % is closed; somebody else must answer', NEW.approver USING ERRCODE = 'LH002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_by_the_enabled BEFORE INSERT OR UPDATE OF created_at ON approvals
    FOR EACH ROW EXECUTE FUNCTION refuse_disabled();

-- Accents as one sign or two, no-break spaces, signs of no width: no bank tells them apart.
CREATE OR REPLACE FUNCTION payee_key(p_payee text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(btrim(regexp_replace(regexp_replace(normalize(p_payee, NFKC), U&'[\00AD\200B-\200F\202A-\202E\2060-\2064\FEFF]', '', 'g'),
        '\s+', ' ', 'g')))
$$;
REINDEX INDEX actions_effect_once;
