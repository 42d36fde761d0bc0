-- Who took part in a run approves no money of it. The law: whoever submitted it or one it was forked from, sent it a document,
-- invited its claimant, forked it, or gave anybody rights since it began, is refused by the ledger, whatever the task says.
-- Whoever may ask need not be let into what the answer is read from.

CREATE OR REPLACE FUNCTION took_part(p_run uuid) RETURNS TABLE (username text, by_what text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    WITH RECURSIVE line AS (
        SELECT id, forked_from, created_at FROM runs WHERE id = p_run
        UNION SELECT r.id, r.forked_from, r.created_at FROM line JOIN runs r ON r.id = line.forked_from)
    SELECT substr(t.actor, 8), CASE WHEN line.forked_from IS NULL THEN 'submitted it' ELSE 'forked it' END
    FROM line JOIN transitions t ON t.run_id = line.id AND t.seq = 1 WHERE t.actor LIKE 'person:%'
    UNION SELECT substr(d.uploaded_by, 8), 'sent it a document' FROM line JOIN documents d ON d.run_id = line.id
    WHERE d.uploaded_by LIKE 'person:%'
    UNION SELECT regexp_replace(l.created_by, '^person:', ''), 'invited its claimant' FROM line JOIN upload_links l ON l.run_id = line.id
    UNION SELECT regexp_replace(c.changed_by, '^person:', ''), 'changed who may do what since it began'
    FROM people_changes c WHERE c.at >= (SELECT min(created_at) FROM line)
$$;
