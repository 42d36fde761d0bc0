-- The ledger of actions. Its laws, kept here whoever asks and whatever the code that asks believes:
-- an action is written and approved by approve_action alone, out of what a human task proposed and showed;
-- its status follows the journal of the call that executes it; nobody has a right to write either table by hand;
-- of everything that may have happened, a business effect (claim, coverage, payee, purpose) exists once, across all runs;
-- an intent is judged by who its approvers are at that moment; of one claim and coverage no more is paid than its approver
-- knew of, whoever the payee and whichever the run; a letter is sent as it was approved, to whom and byte for byte.

-- A letter states an amount and moves none.
CREATE OR REPLACE FUNCTION moves_money(p_purpose text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT right(p_purpose, 7) <> '_letter' $$;

-- What of an action's claim and coverage stands as paid, or may be, beside it: in its currency, and in any other.
CREATE OR REPLACE FUNCTION paid_beside(a actions, OUT amount numeric, OUT runs text, OUT otherwise text) LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(o.amount) FILTER (WHERE o.currency = a.currency), 0), string_agg(DISTINCT o.run_id::text, ', '),
        string_agg(o.amount || ' ' || o.currency, ' and ') FILTER (WHERE o.currency <> a.currency)
    FROM actions o
    WHERE payee_key(o.claim) = payee_key(a.claim) AND payee_key(o.coverage) = payee_key(a.coverage) AND moves_money(o.purpose)
      AND o.status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED') AND o.id <> a.id
$$;

-- Raises LH004 if more stands as paid than the approver of `a` was told. Whoever asks takes the claim's account until the end
-- of their transaction, so that of two payments begun at once the second sees the first.
CREATE OR REPLACE FUNCTION refuse_overpaid(a actions) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    beside record;
BEGIN
    IF NOT moves_money(a.purpose) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7070021, hashtext(payee_key(a.claim) || E'\n' || payee_key(a.coverage)));
    SELECT * INTO beside FROM paid_beside(a);
    IF beside.amount > a.paid_before OR beside.otherwise IS NOT NULL THEN
        RAISE EXCEPTION '% of % for % would be paid beside % (run %), and what was approved says % in all', a.amount || ' ' || a.currency,
            a.coverage, a.claim, concat_ws(' and ', nullif(beside.amount, 0) || ' ' || a.currency, beside.otherwise), beside.runs,
            needs_authority(a) || ' ' || a.currency
            USING ERRCODE = 'LH004', HINT = 'deny it, or have somebody approve a payment whose proposal says what was paid before';
    END IF;
END $$;

-- Write the action a person allows by answering an open task, and their approval of it. The errors are for people:
-- LH002 not entitled, LH003 not what the task proposes, LH004 done already.
CREATE OR REPLACE FUNCTION approve_action(p_action uuid, p_approval uuid, p_task uuid, p_person text, p_purpose text, p_payee text,
    p_amount numeric, p_days int) RETURNS actions LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    t human_tasks;
    shown jsonb;
    a actions;
    suggested numeric;
    kept boolean;
    part text;
    other actions;
BEGIN
    SELECT * INTO t FROM human_tasks WHERE id = p_task FOR UPDATE;
    SELECT p INTO shown FROM jsonb_array_elements(t.proposals) p WHERE p ->> 'purpose' = p_purpose;
    IF t.status IS DISTINCT FROM 'OPEN' OR shown IS NULL THEN
        RAISE EXCEPTION 'no open task proposes this %', p_purpose USING ERRCODE = 'LH003';
    END IF;
    -- Who they are may not change before this is committed: a shutting out that comes now waits, and revokes it.
    PERFORM 1 FROM users u WHERE u.username = p_person AND t.role = ANY (u.roles) FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% does not have the role %', p_person, t.role USING ERRCODE = 'LH002';
    END IF;
    IF p_person = ANY (t.not_by) THEN
        RAISE EXCEPTION '% took part in what is to be approved; somebody else must answer', p_person USING ERRCODE = 'LH002';
    END IF;
    SELECT string_agg(by_what, ' and ' ORDER BY by_what) INTO part FROM took_part(t.run_id) WHERE username = p_person;
    IF part IS NOT NULL THEN
        RAISE EXCEPTION '% %, so somebody else must answer', p_person, part USING ERRCODE = 'LH002';
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
    a.paid_before := round(coalesce((shown ->> 'paid_before')::numeric, 0), 2); a.content := nullif(shown -> 'content', 'null');
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
        PERFORM refuse_overpaid(a);
        UPDATE actions SET status = 'VOID' WHERE run_id = a.run_id AND purpose = a.purpose AND digest <> a.digest
            AND status IN ('PROPOSED', 'APPROVED');
        INSERT INTO actions SELECT a.* ON CONFLICT (run_id, purpose, digest)
            DO UPDATE SET status = CASE WHEN actions.status = 'VOID' THEN 'PROPOSED' ELSE actions.status END RETURNING * INTO a;
    END IF;
    INSERT INTO approvals (id, action_id, approver, role, authority, digest, task_id, created_at, expires_at)
    VALUES (p_approval, a.id, p_person, t.role, authority_of(p_person, t.role, a.coverage, a.currency), a.digest, p_task, app_now(),
        app_now() + make_interval(days => p_days))
    ON CONFLICT (action_id, approver) WHERE revoked_at IS NULL DO UPDATE SET role = excluded.role, authority = excluded.authority,
        task_id = excluded.task_id, created_at = excluded.created_at, expires_at = excluded.expires_at;
    UPDATE actions SET status = 'APPROVED' WHERE id = a.id AND status = 'PROPOSED' AND is_approved(a);
    SELECT * INTO a FROM actions WHERE id = a.id;
    RETURN a;
END $$;

-- The status of an action is that of its call. An intent finds its live approval by what it is about to do, not by
-- what it claims to be allowed; it takes the action for this one call, and gives it back if nothing happened.
CREATE OR REPLACE FUNCTION action_follows_call() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    a actions;
BEGIN
    IF NEW.status <> 'INTENT' THEN
        UPDATE actions o SET
            status = CASE WHEN NEW.status = 'COMPLETE' THEN 'EXECUTED' WHEN NEW.status = 'UNKNOWN' THEN 'UNKNOWN'
                WHEN is_approved(o) THEN 'APPROVED' ELSE 'PROPOSED' END,
            executed_at = CASE NEW.status WHEN 'COMPLETE' THEN app_now() END,
            step_seq = CASE NEW.status WHEN 'FAILED' THEN NULL ELSE step_seq END, call_seq = CASE NEW.status WHEN 'FAILED' THEN NULL ELSE call_seq END
        WHERE id = NEW.action_id AND (run_id, step_seq, call_seq) = (NEW.run_id, NEW.step_seq, NEW.call_seq) AND status IN ('EXECUTING', 'UNKNOWN');
        RETURN NEW;
    END IF;
    -- Who approved may not change before this is committed: then they are judged, each time as they are now.
    PERFORM 1 FROM users u WHERE u.username IN (
        SELECT p.approver FROM actions o JOIN approvals p ON p.action_id = o.id WHERE o.run_id = NEW.run_id AND p.revoked_at IS NULL)
    ORDER BY u.username FOR SHARE;
    SELECT * INTO a FROM actions o
    WHERE o.run_id = NEW.run_id AND o.purpose = NEW.input ->> 'purpose' AND o.payee = NEW.input ->> 'payee'
      AND o.amount = (NEW.input ->> 'amount')::numeric AND o.currency = NEW.input ->> 'currency'
      AND o.claim = coalesce(NEW.input ->> 'claim', o.claim) AND NEW.input @> coalesce(o.content, '{}')
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
    PERFORM refuse_overpaid(a);
    IF TG_OP = 'UPDATE' AND a.id <> NEW.action_id THEN
        UPDATE checkpoints SET action_id = a.id WHERE run_id = NEW.run_id AND step_seq = NEW.step_seq AND call_seq = NEW.call_seq;
    END IF;
    NEW.action_id := a.id;
    RETURN NEW;
END $$;
-- After an update, not before: a trigger before each update makes every update of the table, whatever its condition, lock the row first.
CREATE OR REPLACE TRIGGER checkpoints_need_approval BEFORE INSERT ON checkpoints
    FOR EACH ROW WHEN (NEW.action_id IS NOT NULL) EXECUTE FUNCTION action_follows_call();
CREATE OR REPLACE TRIGGER checkpoints_need_approval_again AFTER UPDATE OF action_id, status ON checkpoints
    FOR EACH ROW WHEN (NEW.action_id IS NOT NULL) EXECUTE FUNCTION action_follows_call();

-- A person is asked about a purpose again: what was approved of it before, and never begun, is a proposal and no more.
CREATE OR REPLACE FUNCTION approved_no_more() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE actions SET status = 'PROPOSED' WHERE run_id = NEW.run_id AND status = 'APPROVED'
        AND purpose IN (SELECT p ->> 'purpose' FROM jsonb_array_elements(NEW.proposals) p);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER human_tasks_ask_anew AFTER INSERT ON human_tasks
    FOR EACH ROW WHEN (NEW.kind = 'work' AND NEW.proposals <> '[]') EXECUTE FUNCTION approved_no_more();

-- What the service says of an executed action, asked for it later; p_agrees is NULL if it cannot be asked. A dispute ends
-- when it says otherwise.
CREATE OR REPLACE FUNCTION confirm_action(p_action uuid, p_agrees boolean, p_said jsonb) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    WITH told AS (
        UPDATE actions SET status = CASE WHEN p_agrees THEN 'CONFIRMED' WHEN NOT p_agrees THEN 'DISPUTED' ELSE status END,
            confirmation = p_said, confirmed_at = app_now()
        WHERE id = p_action AND status IN ('EXECUTED', 'DISPUTED') RETURNING id)
    SELECT EXISTS (SELECT 1 FROM told)
$$;

-- What was allowed and never begun ends with its run.
CREATE OR REPLACE FUNCTION void_actions_of_ended() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH done AS (
        UPDATE actions a SET status = 'VOID' FROM runs r
        WHERE r.id = a.run_id AND a.status IN ('PROPOSED', 'APPROVED') AND r.status IN ('COMPLETE', 'FAILED', 'CANCELLED') RETURNING a.id)
    SELECT count(*) FROM done
$$;
