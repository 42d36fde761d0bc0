-- Who may write which rows of the journal. The law: a worker writes calls and their results; the web enters steps and judges calls
-- whose outcome is unknown, and never makes a call an intent.

ALTER TABLE checkpoints ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS everyone_reads ON checkpoints;
CREATE POLICY everyone_reads ON checkpoints FOR SELECT USING (true);

DROP POLICY IF EXISTS workers_write ON checkpoints;
CREATE POLICY workers_write ON checkpoints FOR ALL TO longhaul_worker USING (true) WITH CHECK (true);

DROP POLICY IF EXISTS web_enters_steps ON checkpoints;
CREATE POLICY web_enters_steps ON checkpoints FOR INSERT TO longhaul_web WITH CHECK (kind IN ('start', 'step'));

-- A verdict on an unknown call ends it; it never makes it an intent.
DROP POLICY IF EXISTS web_judges_unknowns ON checkpoints;
CREATE POLICY web_judges_unknowns ON checkpoints FOR UPDATE TO longhaul_web USING (status = 'UNKNOWN' OR kind = 'step')
    WITH CHECK (kind = 'step' OR status IN ('COMPLETE', 'FAILED', 'UNKNOWN'));
