-- Runs. The law: the transitions of a run are chained by hash, and each link is computed here, so that nobody supplies one.

-- The next link of a run's hash chain. Ids and salted digests only, so that texts can be erased and it still verifies.
CREATE OR REPLACE FUNCTION app_chain(previous bytea, run_id uuid, seq int, event text, from_state text, from_status text, to_state text,
    to_status text, step_seq int, actor text, at timestamptz, reason_digest text, payload_digest text) RETURNS bytea
    LANGUAGE sql IMMUTABLE AS
$$ SELECT sha256(previous || convert_to(run_id::text || '|' || seq || '|' || event || '|' || coalesce(from_state, '') || '|' ||
    coalesce(from_status, '') || '|' || to_state || '|' || to_status || '|' || step_seq || '|' || actor || '|' ||
    extract(epoch FROM at) || '|' || reason_digest || '|' || payload_digest, 'UTF8')) $$;
