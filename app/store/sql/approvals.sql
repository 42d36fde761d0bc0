-- An approval is worth what its approver is worth now. Laws kept here: who is shut out, has lost the role or has less authority
-- than the action needs approves no more, from the very commit that says so; what they had approved and nobody has done yet
-- is revoked in that commit; a revoked approval stays in the books, and the same person may give a new one.

-- Whether a role has a right, as `app/core/declarations/roles.py` and the application declare it.
CREATE OR REPLACE FUNCTION role_may(p_role text, p_right text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM role_rights r WHERE r.role = p_role AND r.may = p_right)
$$;

-- Up to how much a person may approve in a role; without a row there is no authority. A person's own limit goes before their
-- role's, and that of the coverage before '*', which stands for every other.
CREATE OR REPLACE FUNCTION authority_of(p_person text, p_role text, p_coverage text, p_currency text) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT a.up_to FROM authorities a
        WHERE a.holder IN (p_person, 'role:' || p_role) AND a.coverage IN (p_coverage, '*') AND a.currency = p_currency
          AND EXISTS (SELECT 1 FROM users u WHERE u.username = p_person AND p_role = ANY (u.roles) AND u.disabled_at IS NULL)
        ORDER BY a.holder = p_person DESC, a.coverage = p_coverage DESC LIMIT 1), 0)
$$;

-- What an approver must have authority for: all that the claim has cost under the coverage when this is paid.
CREATE OR REPLACE FUNCTION needs_authority(a actions) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT a.paid_before + a.amount $$;

-- What has become of an approver since, in words that follow "the approval by NAME was revoked: "; NULL: they are who they were.
CREATE OR REPLACE FUNCTION fallen_because(p approvals, a actions) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN u.username IS NULL THEN 'nobody has this name any more'
        WHEN u.disabled_at IS NOT NULL THEN 'they were shut out'
        WHEN NOT p.role = ANY (u.roles) THEN 'they no longer have the role ' || p.role
        WHEN authority_of(p.approver, p.role, a.coverage, a.currency) < least(p.authority, needs_authority(a))
            THEN 'their authority is now ' || authority_of(p.approver, p.role, a.coverage, a.currency) || ' ' || a.currency END
    FROM (SELECT 1) one LEFT JOIN users u ON u.username = p.approver
$$;

-- An approval stands while it is neither revoked nor ended, is of exactly this action, and is by somebody other than its
-- proposer whose authority covered it then and covers it now. A denial needs a role that may sign off.
CREATE OR REPLACE FUNCTION approval_stands(p approvals, a actions) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p.action_id = a.id AND p.digest = a.digest AND p.revoked_at IS NULL AND p.expires_at > app_now()
        AND p.authority >= needs_authority(a) AND p.approver <> a.proposed_by
        AND (a.purpose <> 'denial_letter' OR role_may(p.role, 'sign off')) AND fallen_because(p, a) IS NULL
$$;

-- Every digest made before stays what it was: what an action did not have is not in it.
CREATE OR REPLACE FUNCTION action_digest(a actions) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to((jsonb_build_array(a.claim, a.purpose, a.payee, a.amount::text, a.currency, a.coverage, a.evidence,
        a.shown_digest, a.proposed_by)
        || CASE WHEN a.paid_before = 0 AND a.content IS NULL THEN '[]' ELSE jsonb_build_array(a.paid_before::text, a.content) END)::text,
        'UTF8')), 'hex')
$$;

-- Whether an action is as it was approved, by an approval that stands.
CREATE OR REPLACE FUNCTION is_approved(a actions) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT a.digest = action_digest(a) AND EXISTS (SELECT 1 FROM approvals p WHERE p.action_id = a.id AND approval_stands(p, a))
$$;

-- What somebody approved, or whoever acted in a role, and nobody has done yet: revoked where they no longer could approve it.
CREATE OR REPLACE FUNCTION revoke_fallen(p_person text, p_role text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    revoked bigint;
BEGIN
    UPDATE approvals SET revoked_at = app_now(), revoked_because = fallen.why
    FROM (SELECT p.id, fallen_because(p, a) AS why FROM actions a JOIN approvals p ON p.action_id = a.id
          WHERE a.status IN ('PROPOSED', 'APPROVED', 'EXECUTING', 'UNKNOWN') AND p.revoked_at IS NULL
            AND (p.approver = p_person OR p.role = p_role)) fallen
    WHERE approvals.id = fallen.id AND fallen.why IS NOT NULL AND approvals.revoked_at IS NULL;
    GET DIAGNOSTICS revoked = ROW_COUNT;
    RETURN revoked;
END $$;

CREATE OR REPLACE FUNCTION person_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM revoke_fallen(OLD.username, NULL);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER users_lowered AFTER UPDATE OF roles, disabled_at ON users FOR EACH ROW
    WHEN (OLD.roles IS DISTINCT FROM NEW.roles OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at) EXECUTE FUNCTION person_changed();
CREATE OR REPLACE TRIGGER users_gone AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION person_changed();

-- A new row may be the lower one: that of one coverage goes before that of all, a person's own before their role's.
CREATE OR REPLACE FUNCTION authority_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    changed text := coalesce(NEW.holder, OLD.holder);
BEGIN
    PERFORM revoke_fallen(changed, CASE WHEN changed LIKE 'role:%' THEN substr(changed, 6) END);
    IF TG_OP = 'UPDATE' AND OLD.holder <> NEW.holder THEN
        PERFORM revoke_fallen(OLD.holder, CASE WHEN OLD.holder LIKE 'role:%' THEN substr(OLD.holder, 6) END);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER authorities_changed AFTER INSERT OR UPDATE OR DELETE ON authorities FOR EACH ROW EXECUTE FUNCTION authority_changed();

-- Whose account is closed approves nothing, whatever session or key of theirs is still open.
CREATE OR REPLACE FUNCTION refuse_disabled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM users WHERE username = NEW.approver AND disabled_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the account of % is closed; somebody else must answer', NEW.approver USING ERRCODE = 'LH002';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER approvals_by_the_enabled BEFORE INSERT OR UPDATE OF created_at ON approvals
    FOR EACH ROW EXECUTE FUNCTION refuse_disabled();

-- A revoked approval stays revoked, and its action is no longer approved. One whose action was done is not taken back.
CREATE OR REPLACE FUNCTION approval_revoked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    done text;
BEGIN
    IF OLD.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'an approval that was revoked stays revoked' USING ERRCODE = 'LH002', HINT = 'ask for a new one';
    END IF;
    SELECT a.status INTO done FROM actions a WHERE a.id = NEW.action_id AND a.status IN ('EXECUTED', 'CONFIRMED', 'DISPUTED');
    IF FOUND THEN
        RAISE EXCEPTION 'too late: the action is %; an approval is taken back before its action begins', done USING ERRCODE = 'LH006';
    END IF;
    UPDATE actions a SET status = 'PROPOSED' WHERE a.id = NEW.action_id AND a.status = 'APPROVED' AND NOT is_approved(a);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER approvals_revoked AFTER UPDATE OF revoked_at ON approvals FOR EACH ROW EXECUTE FUNCTION approval_revoked();
