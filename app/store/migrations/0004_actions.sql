-- The ledger of actions. Its laws, kept here whoever asks and whatever the code that asks believes:
-- an action is written and approved by approve_action alone, out of what a human task proposed and showed;
-- its status follows the journal of the call that executes it; nobody has a right to write either table by hand;
-- of everything that may have happened, a business effect (claim, coverage, payee, purpose) exists once, across all runs.

-- claim: the business key the effect is for. shown_digest: of all that the approver saw, the recommendation with it.
-- step_seq, call_seq: the one call that may execute it. confirmation: what the service said when asked afterwards.
ALTER TABLE actions
    ADD COLUMN claim text, ADD COLUMN shown_digest text NOT NULL DEFAULT '', ADD COLUMN step_seq int, ADD COLUMN call_seq int,
    ADD COLUMN confirmed_at timestamptz, ADD COLUMN confirmation jsonb;
UPDATE actions a SET claim = r.subject FROM runs r WHERE r.id = a.run_id;
ALTER TABLE actions ALTER COLUMN claim SET NOT NULL, DROP CONSTRAINT actions_status_check;
ALTER TABLE actions ADD CONSTRAINT actions_status_check CHECK (
    status IN ('PROPOSED', 'APPROVED', 'EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED', 'VOID'));
ALTER TABLE human_tasks DROP CONSTRAINT human_tasks_kind_check;
ALTER TABLE human_tasks ADD CONSTRAINT human_tasks_kind_check CHECK (kind IN ('work', 'doubt', 'unknown', 'triage', 'budget', 'approval'));

-- What a person or a role may approve, up to how much, in which currency. The coverage '*' stands for every other.
-- A person's own limit goes before their role's; without a row there is no authority.
CREATE TABLE authorities (
    holder text NOT NULL, coverage text NOT NULL DEFAULT '*', currency text NOT NULL, up_to numeric NOT NULL CHECK (up_to >= 0),
    PRIMARY KEY (holder, coverage, currency));
COMMENT ON COLUMN authorities.holder IS 'a username, or role:<role>';
INSERT INTO authorities (holder, currency, up_to) SELECT username, 'USD', authority FROM users;
GRANT SELECT ON authorities TO longhaul_worker, longhaul_web;
GRANT INSERT, UPDATE, DELETE ON authorities TO longhaul_web;

CREATE FUNCTION authority_of(p_person text, p_role text, p_coverage text, p_currency text) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT a.up_to FROM authorities a
        WHERE a.holder IN (p_person, 'role:' || p_role) AND a.coverage IN (p_coverage, '*') AND a.currency = p_currency
          AND EXISTS (SELECT 1 FROM users u WHERE u.username = p_person AND p_role = ANY (u.roles))
        ORDER BY a.holder = p_person DESC, a.coverage = p_coverage DESC LIMIT 1), 0)
$$;

-- Two spellings of a payee that a bank would not tell apart are one.
CREATE FUNCTION payee_key(p_payee text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(btrim(regexp_replace(p_payee, '\s+', ' ', 'g')))
$$;
CREATE UNIQUE INDEX actions_effect_once ON actions (claim, coverage, payee_key(payee), purpose)
    WHERE status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED');
CREATE INDEX actions_unfinished ON actions (status) WHERE status IN ('PROPOSED', 'APPROVED', 'EXECUTING', 'UNKNOWN', 'DISPUTED');
CREATE INDEX actions_unconfirmed ON actions (executed_at) WHERE status = 'EXECUTED' AND confirmation IS NULL;

CREATE FUNCTION action_digest(a actions) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(a.claim, a.purpose, a.payee, a.amount::text, a.currency, a.coverage, a.evidence,
        a.shown_digest, a.proposed_by)::text, 'UTF8')), 'hex')
$$;

-- An approval counts while it is neither revoked nor expired, is of exactly this action, by somebody other than its
-- proposer, whose authority covers it. A denial needs a supervisor.
CREATE FUNCTION is_approved(a actions) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT a.digest = action_digest(a) AND EXISTS (SELECT 1 FROM approvals p
        WHERE p.action_id = a.id AND p.digest = a.digest AND p.revoked_at IS NULL AND p.expires_at > app_now() AND p.authority >= a.amount
          AND p.approver <> a.proposed_by AND (a.purpose <> 'denial_letter' OR p.role = 'supervisor'))
$$;

UPDATE actions a SET amount = round(amount, 2);
UPDATE actions a SET digest = action_digest(a) WHERE status = 'PROPOSED';
UPDATE approvals p SET digest = a.digest FROM actions a WHERE a.id = p.action_id AND a.status = 'PROPOSED';
UPDATE actions a SET status = 'APPROVED' WHERE status = 'PROPOSED' AND is_approved(a);

-- Write the action a person allows by answering an open task, and their approval of it. The errors are for people:
-- LH002 not entitled, LH003 not what the task proposes, LH004 done already.
CREATE FUNCTION approve_action(p_action uuid, p_approval uuid, p_task uuid, p_person text, p_purpose text, p_payee text, p_amount numeric,
    p_days int) RETURNS actions LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    t human_tasks;
    shown jsonb;
    a actions;
    suggested numeric;
    kept boolean;
    other actions;
BEGIN
    SELECT * INTO t FROM human_tasks WHERE id = p_task FOR UPDATE;
    SELECT p INTO shown FROM jsonb_array_elements(t.proposals) p WHERE p ->> 'purpose' = p_purpose;
    IF t.status IS DISTINCT FROM 'OPEN' OR shown IS NULL THEN
        RAISE EXCEPTION 'no open task proposes this %', p_purpose USING ERRCODE = 'LH003';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM users u WHERE u.username = p_person AND t.role = ANY (u.roles)) THEN
        RAISE EXCEPTION '% does not have the role %', p_person, t.role USING ERRCODE = 'LH002';
    END IF;
    IF p_person = ANY (t.not_by) THEN
        RAISE EXCEPTION '% took part in what is to be approved; somebody else must answer', p_person USING ERRCODE = 'LH002';
    END IF;
    suggested := nullif((shown ->> 'amount')::numeric, 0);
    a.amount := round(p_amount, 2);
    kept := payee_key(p_payee) = payee_key(shown ->> 'payee')
        AND (a.amount = round((shown ->> 'amount')::numeric, 2)
             OR coalesce(abs(a.amount - suggested) <= suggested * coalesce((shown ->> 'tolerance')::numeric, 0), false));
    IF (round((shown ->> 'amount')::numeric, 2) <> a.amount AND shown ->> 'amount_field' IS NULL)
        OR (payee_key(p_payee) <> payee_key(shown ->> 'payee') AND shown ->> 'payee_field' IS NULL) OR a.amount < 0 OR payee_key(p_payee) = ''
    THEN
        RAISE EXCEPTION 'this is not what the task proposes' USING ERRCODE = 'LH003';
    END IF;
    a.id := p_action; a.run_id := t.run_id; a.purpose := p_purpose; a.payee := p_payee;
    a.currency := shown ->> 'currency'; a.coverage := shown ->> 'coverage'; a.evidence := coalesce(shown -> 'evidence', '{}');
    a.shown_digest := t.shown_digest; a.status := 'PROPOSED'; a.created_at := app_now();
    SELECT coalesce(nullif(shown ->> 'claim', ''), r.subject) INTO a.claim FROM runs r WHERE r.id = t.run_id;
    -- Who changes what was suggested has proposed it. What was decided before is proposed by whoever decided it.
    a.proposed_by := CASE WHEN cardinality(t.not_by) > 0 THEN t.not_by[1] WHEN kept THEN 'agent' ELSE p_person END;
    a.digest := action_digest(a);
    SELECT * INTO other FROM actions o WHERE (o.claim, o.coverage, o.purpose) = (a.claim, a.coverage, a.purpose)
        AND payee_key(o.payee) = payee_key(a.payee) AND o.status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED') LIMIT 1;
    IF FOUND AND other.run_id = a.run_id AND other.status IN ('EXECUTING', 'UNKNOWN')
        AND (other.payee, other.amount, other.currency) = (a.payee, a.amount, a.currency)
    THEN
        a := other; -- its call is under way: what it needs is another approval, not another action
    ELSIF FOUND THEN
        RAISE EXCEPTION 'the % of % % to % for % stands already as % in the run %', other.purpose, other.amount, other.currency, other.payee,
            other.claim, other.status, other.run_id USING ERRCODE = 'LH004';
    ELSE
        UPDATE actions SET status = 'VOID' WHERE run_id = a.run_id AND purpose = a.purpose AND digest <> a.digest
            AND status IN ('PROPOSED', 'APPROVED');
        INSERT INTO actions SELECT a.* ON CONFLICT (run_id, purpose, digest)
            DO UPDATE SET status = CASE WHEN actions.status = 'VOID' THEN 'PROPOSED' ELSE actions.status END RETURNING * INTO a;
    END IF;
    INSERT INTO approvals (id, action_id, approver, role, authority, digest, task_id, created_at, expires_at)
    VALUES (p_approval, a.id, p_person, t.role, authority_of(p_person, t.role, a.coverage, a.currency), a.digest, p_task, app_now(),
        app_now() + make_interval(days => p_days))
    ON CONFLICT (action_id, approver) DO UPDATE SET role = excluded.role, authority = excluded.authority, task_id = excluded.task_id,
        created_at = excluded.created_at, expires_at = excluded.expires_at WHERE approvals.revoked_at IS NULL;
    UPDATE actions SET status = 'APPROVED' WHERE id = a.id AND status = 'PROPOSED' AND is_approved(a);
    SELECT * INTO a FROM actions WHERE id = a.id;
    RETURN a;
END $$;

-- The status of an action is that of its call. An intent finds its live approval by what it is about to do, not by
-- what it claims to be allowed; it takes the action for this one call, and gives it back if nothing happened.
CREATE FUNCTION action_follows_call() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    a actions;
BEGIN
    IF NEW.status <> 'INTENT' THEN
        UPDATE actions SET
            status = CASE NEW.status WHEN 'COMPLETE' THEN 'EXECUTED' WHEN 'FAILED' THEN 'APPROVED' ELSE NEW.status END,
            executed_at = CASE NEW.status WHEN 'COMPLETE' THEN app_now() END,
            step_seq = CASE NEW.status WHEN 'FAILED' THEN NULL ELSE step_seq END, call_seq = CASE NEW.status WHEN 'FAILED' THEN NULL ELSE call_seq END
        WHERE id = NEW.action_id AND (run_id, step_seq, call_seq) = (NEW.run_id, NEW.step_seq, NEW.call_seq) AND status IN ('EXECUTING', 'UNKNOWN');
        RETURN NEW;
    END IF;
    SELECT * INTO a FROM actions o
    WHERE o.run_id = NEW.run_id AND o.purpose = NEW.input ->> 'purpose' AND o.payee = NEW.input ->> 'payee'
      AND o.amount = (NEW.input ->> 'amount')::numeric AND o.currency = NEW.input ->> 'currency'
      AND o.claim = coalesce(NEW.input ->> 'claim', o.claim)
      AND (o.status = 'APPROVED'
           OR (o.status IN ('EXECUTING', 'UNKNOWN') AND (o.step_seq, o.call_seq) = (NEW.step_seq, NEW.call_seq)))
      AND is_approved(o)
    ORDER BY o.id = NEW.action_id DESC, o.created_at DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no live approval matches the % of % to % by run %', NEW.input ->> 'purpose', NEW.input ->> 'amount',
            NEW.input ->> 'payee', NEW.run_id
            USING ERRCODE = 'LH001', HINT = 'a person with the authority must approve exactly this action first';
    END IF;
    BEGIN
        UPDATE actions SET status = 'EXECUTING', step_seq = NEW.step_seq, call_seq = NEW.call_seq WHERE id = a.id;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'the % to % for % stands already in another run', a.purpose, a.payee, a.claim
            USING ERRCODE = 'LH004', HINT = 'a second one is never sent; fail this run, or approve another purpose';
    END;
    NEW.action_id := a.id;
    RETURN NEW;
END $$;
DROP TRIGGER checkpoints_need_approval ON checkpoints;
DROP FUNCTION refuse_unapproved();
CREATE TRIGGER checkpoints_need_approval BEFORE INSERT OR UPDATE OF action_id, status ON checkpoints
    FOR EACH ROW WHEN (NEW.action_id IS NOT NULL) EXECUTE FUNCTION action_follows_call();

-- A revoked approval stays revoked, and its action is no longer approved.
CREATE FUNCTION approval_revoked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'an approval that was revoked stays revoked' USING ERRCODE = 'LH002', HINT = 'ask for a new one';
    END IF;
    UPDATE actions a SET status = 'PROPOSED' WHERE a.id = NEW.action_id AND a.status = 'APPROVED' AND NOT is_approved(a);
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_revoked AFTER UPDATE OF revoked_at ON approvals FOR EACH ROW EXECUTE FUNCTION approval_revoked();

-- What the service says of an executed action, asked for it later; p_agrees is NULL if it cannot be asked. A dispute ends
-- when it says otherwise.
CREATE FUNCTION confirm_action(p_action uuid, p_agrees boolean, p_said jsonb) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    WITH told AS (
        UPDATE actions SET status = CASE WHEN p_agrees THEN 'CONFIRMED' WHEN NOT p_agrees THEN 'DISPUTED' ELSE status END,
            confirmation = p_said, confirmed_at = app_now()
        WHERE id = p_action AND status IN ('EXECUTED', 'DISPUTED') RETURNING id)
    SELECT EXISTS (SELECT 1 FROM told)
$$;

-- What was allowed and never begun ends with its run.
CREATE FUNCTION void_actions_of_ended() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH done AS (
        UPDATE actions a SET status = 'VOID' FROM runs r
        WHERE r.id = a.run_id AND a.status IN ('PROPOSED', 'APPROVED') AND r.status IN ('COMPLETE', 'FAILED', 'CANCELLED') RETURNING a.id)
    SELECT count(*) FROM done
$$;

REVOKE INSERT, UPDATE ON actions FROM longhaul_worker, longhaul_web;
REVOKE INSERT ON approvals FROM longhaul_web;
REVOKE EXECUTE ON FUNCTION approve_action, confirm_action, void_actions_of_ended FROM PUBLIC;
GRANT EXECUTE ON FUNCTION approve_action TO longhaul_web;
GRANT EXECUTE ON FUNCTION confirm_action, void_actions_of_ended TO longhaul_worker;

-- A verdict on an unknown call ends it; it never makes it an intent.
DROP POLICY web_judges_unknowns ON checkpoints;
CREATE POLICY web_judges_unknowns ON checkpoints FOR UPDATE TO longhaul_web USING (status = 'UNKNOWN' OR kind = 'step')
    WITH CHECK (kind = 'step' OR status IN ('COMPLETE', 'FAILED', 'UNKNOWN'));
