-- A dispute may stay one for ever: the service keeps saying something else. Then a person says what was found, and the
-- ledger keeps both. Its law: the action stays DISPUTED and goes on standing for its effect, so it is never sent again.

-- By somebody in a role that may sign off, whose authority covers it, who neither proposed nor approved it. FALSE: it is not disputed, or closed already.
CREATE OR REPLACE FUNCTION close_dispute(p_action uuid, p_person text, p_reason text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    a actions;
BEGIN
    SELECT * INTO a FROM actions WHERE id = p_action FOR UPDATE;
    IF a.status IS DISTINCT FROM 'DISPUTED' OR a.dispute_closed_at IS NOT NULL THEN
        RETURN false;
    END IF;
    IF btrim(coalesce(p_reason, '')) = '' THEN
        RAISE EXCEPTION 'reason: say what was found and how it was settled' USING ERRCODE = 'LH003';
    END IF;
    IF p_person = a.proposed_by OR EXISTS (SELECT 1 FROM approvals p WHERE p.action_id = a.id AND p.approver = p_person) THEN
        RAISE EXCEPTION '% proposed or approved it; somebody else must close the dispute', p_person USING ERRCODE = 'LH002';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM users u JOIN role_rights r ON r.role = ANY (u.roles) AND r.may = 'sign off'
        WHERE u.username = p_person AND u.disabled_at IS NULL
          AND authority_of(p_person, r.role, a.coverage, a.currency) >= a.amount)
    THEN
        RAISE EXCEPTION 'a % whose authority covers % % for % must close this dispute',
            (SELECT coalesce(string_agg(r.role, ' or ' ORDER BY r.role), 'person') FROM role_rights r WHERE r.may = 'sign off'),
            a.amount, a.currency, a.coverage USING ERRCODE = 'LH002';
    END IF;
    UPDATE actions SET dispute_closed_at = app_now(), dispute_closed_by = p_person, dispute_reason = btrim(p_reason) WHERE id = a.id;
    RETURN true;
END $$;
