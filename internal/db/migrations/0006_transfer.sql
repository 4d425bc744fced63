-- 0006: imports of people. done counts the records of the file that are dealt with, in
-- the transaction that dealt with them, so that an import that was cut off goes on where
-- it stopped. digest is the SHA-256 of the file; report_bytes is how long the list of
-- problems was at that moment.
CREATE TABLE imports (
    id           TEXT PRIMARY KEY,
    pool_id      TEXT NOT NULL REFERENCES pools(id),
    digest       BYTEA NOT NULL,
    source       TEXT NOT NULL,
    actor        TEXT NOT NULL,
    done         BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    skipped      BIGINT NOT NULL,
    refused      BIGINT NOT NULL,
    report_bytes BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    finished_at  BIGINT
);
CREATE INDEX imports_by_file ON imports (pool_id, digest, started_at);
