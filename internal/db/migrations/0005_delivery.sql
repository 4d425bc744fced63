-- 0005: what vendors want back when somebody leaves, addresses that mail comes back from,
-- and how much room pictures take.

-- A token by which an identity's vendor is told that somebody has left. It is sealed, and
-- goes with the identity through a job that tells the vendor. There is no foreign key: the
-- row must outlive the person's until that job is queued, in the same transaction.
CREATE TABLE revocations (
    pool_id    TEXT NOT NULL,
    provider   TEXT NOT NULL,
    subject    TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    sealed     TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, provider, subject)
);
CREATE INDEX revocations_by_user ON revocations (user_id);

-- Mail that came back, by a MAC of its address: how often, with which status, and since
-- when nothing is sent there any more (0 while it still is).
CREATE TABLE bounces (
    target     BYTEA PRIMARY KEY,
    hits       BIGINT NOT NULL,
    status     TEXT NOT NULL,
    blocked_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What became of the messages to one address.
CREATE INDEX deliveries_by_target ON deliveries (pool_id, target, created_at, id);

-- How many bytes a picture has, so that a pool's can be summed up.
ALTER TABLE media ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
UPDATE media SET size = LENGTH(body);
CREATE INDEX media_by_size ON media (pool_id, size);
