-- The overview looks at the last day, not at all there ever was. Law kept here: no step pays for it. A BRIN index costs
-- a row in several thousand; neither indexed column is ever updated, so updates of checkpoints stay within their page.
CREATE INDEX transitions_created ON transitions USING brin (created_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX checkpoints_models ON checkpoints (created_at) WHERE kind = 'model';
-- Few, beside all that were ever closed. By run, because a move that closes them must find them by its key.
CREATE INDEX dead_letters_open ON dead_letters (run_id) WHERE closed_at IS NULL;

-- How often somebody without a name has sent something since `since`. who: a digest, of a link or of an address.
CREATE TABLE upload_rates (who text PRIMARY KEY, since timestamptz NOT NULL, n int NOT NULL);
CREATE INDEX upload_rates_since ON upload_rates (since);
