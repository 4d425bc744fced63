-- 0003: identity providers a pool signs people in with, what a delivery became of, and
-- numbers that get a fixed code.

-- A connection is one configured identity provider of a pool. id is what clients call it
-- (wx_open, wx_mp, a mini-program's app id, a connection id); kind names the driver;
-- settings are sealed, for they hold the vendor's secrets. union_group joins WeChat apps of
-- one Open Platform account.
CREATE TABLE connections (
    pool_id     TEXT NOT NULL REFERENCES pools(id),
    id          TEXT NOT NULL,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    union_group TEXT NOT NULL,
    enabled     BOOLEAN NOT NULL,
    sign_up     BOOLEAN NOT NULL,
    trust_email BOOLEAN NOT NULL,
    link_phone  BOOLEAN NOT NULL,
    settings    BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (pool_id, id)
);

-- A unionid is one person over all apps of a union group.
CREATE TABLE unions (
    pool_id     TEXT NOT NULL,
    union_group TEXT NOT NULL,
    union_id    TEXT NOT NULL,
    user_id     TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (pool_id, union_group, union_id)
);
CREATE INDEX unions_by_user ON unions (user_id);

-- Tokens a vendor gives an application, shared between nodes.
CREATE TABLE app_tokens (
    name       TEXT PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- A sign-in by QR code: a screen shows it, a signed-in phone confirms it. hash is the
-- screen's own secret; the picture shows another, code, and what the phone confirmed is
-- fetched with a third, ticket.
CREATE TABLE qr_screens (
    hash       BYTEA PRIMARY KEY,
    code       BYTEA NOT NULL,
    pool_id    TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    status     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    context    TEXT NOT NULL,
    ticket     BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX qr_screens_by_code ON qr_screens (code);
CREATE UNIQUE INDEX qr_screens_by_ticket ON qr_screens (ticket);
CREATE INDEX qr_screens_by_user ON qr_screens (user_id);
CREATE INDEX qr_screens_by_expiry ON qr_screens (expires_at);

-- What became of each message handed to a vendor. target is a MAC of the address.
CREATE TABLE deliveries (
    id          TEXT PRIMARY KEY,
    pool_id     TEXT NOT NULL,
    channel     TEXT NOT NULL,
    driver      TEXT NOT NULL,
    vendor_id   TEXT NOT NULL,
    target      BYTEA NOT NULL,
    country     TEXT NOT NULL,
    status      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    units       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX deliveries_by_vendor ON deliveries (driver, vendor_id);
CREATE INDEX deliveries_by_time ON deliveries (pool_id, created_at, id);

-- Numbers and addresses that get a fixed code until a date, for app review and tests.
CREATE TABLE test_targets (
    pool_id    TEXT NOT NULL REFERENCES pools(id),
    target     TEXT NOT NULL,
    sealed     BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (pool_id, target)
);

-- Limits slide: beside the window that is open a counter knows the one before it, how
-- its events were spread, and when the last event was.
ALTER TABLE counters ADD COLUMN prior BIGINT NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN prior_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN prior_to BIGINT NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE counters ADD COLUMN keep_until BIGINT NOT NULL DEFAULT 0;

-- How many of a pool's last codes were used.
CREATE INDEX codes_by_time ON codes (pool_id, channel, created_at);
