-- 0013: the vendors a pool's messages travel by, and its own words for them. Additive.

-- The drivers of one channel are asked in the order of position, the next one when the
-- last certainly did not send. settings is sealed. countries is a list of dialling codes
-- with spaces between, '' for all.
CREATE TABLE message_drivers (
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    id         TEXT NOT NULL,
    channel    TEXT NOT NULL,
    position   BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    countries  TEXT NOT NULL,
    enabled    BOOLEAN NOT NULL,
    settings   BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, id)
);

-- Words a pool has instead of the built-in ones. subject is '' for text messages.
CREATE TABLE message_templates (
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    name       TEXT NOT NULL,
    channel    TEXT NOT NULL,
    lang       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, name, channel, lang)
);
