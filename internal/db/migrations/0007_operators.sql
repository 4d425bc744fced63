-- 0007: who may administer the installation, and the audit trail as a chain. Additive.

-- The one row serialises what must not race: making the first operator, and taking the
-- last owner away. bootstrap is the hash of the one-time token that makes the first.
CREATE TABLE operator_guard (
    id              BIGINT PRIMARY KEY,
    changes         BIGINT NOT NULL,
    bootstrap       BYTEA,
    bootstrap_until BIGINT NOT NULL
);
INSERT INTO operator_guard (id, changes, bootstrap_until) VALUES (1, 0, 0);

-- name_key is the name without case. pools is a JSON list of the pools the operator may
-- see, or NULL for all. totp is sealed; totp_fresh is an authenticator that was shown and
-- not yet proven. totp_step is the last time step whose code was taken.
CREATE TABLE operators (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    pools       TEXT,
    password    TEXT NOT NULL,
    totp        BYTEA,
    totp_fresh  BYTEA,
    totp_step   BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    seen_at     BIGINT
);

-- Codes for whoever lost the authenticator, each good once.
CREATE TABLE operator_recovery (
    operator_id TEXT NOT NULL REFERENCES operators(id) ON DELETE CASCADE,
    hash        BYTEA NOT NULL,
    used_at     BIGINT,
    PRIMARY KEY (operator_id, hash)
);

-- hash is that of the cookie. factor_at is when the second factor was shown, NULL before;
-- sudo_until ends the time in which sensitive things may be done.
CREATE TABLE operator_sessions (
    id          TEXT PRIMARY KEY,
    hash        BYTEA NOT NULL UNIQUE,
    operator_id TEXT NOT NULL REFERENCES operators(id) ON DELETE CASCADE,
    factor_at   BIGINT,
    sudo_until  BIGINT NOT NULL,
    ip          TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX operator_sessions_by_operator ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_by_expiry ON operator_sessions (expires_at);

-- API keys. scopes, pools and addresses are JSON lists; NULL pools are all, no addresses
-- are any. used_at is coarse.
CREATE TABLE operator_keys (
    id         TEXT PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    pools      TEXT,
    addresses  TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    used_ip    TEXT NOT NULL,
    revoked_at BIGINT
);

-- The audit trail becomes a chain: hash is SHA-256 of the hash before it in the same pool
-- and lane and of the record. Lanes let transactions of one pool commit side by side on
-- PostgreSQL. Rows from before are taken into the chain when the server starts.
ALTER TABLE audit ADD COLUMN lane BIGINT;
ALTER TABLE audit ADD COLUMN seq BIGINT;
ALTER TABLE audit ADD COLUMN hash BYTEA;
CREATE UNIQUE INDEX audit_chain ON audit (pool_id, lane, seq);
CREATE INDEX audit_unchained ON audit (at, id) WHERE seq IS NULL;

-- What support asks for. Ordinary sign-ins are not in the partial ones, so that those cost
-- a sign-in nothing.
CREATE INDEX audit_by_request ON audit (pool_id, request_id, at, id) WHERE request_id <> '';
CREATE INDEX audit_by_ip ON audit (pool_id, ip, at, id) WHERE ip <> '';
CREATE INDEX audit_by_other ON audit (pool_id, actor, at, id) WHERE actor <> user_id;
CREATE INDEX audit_by_refusal ON audit (pool_id, at, id) WHERE result <> 'ok';
CREATE INDEX audit_by_rare ON audit (pool_id, at, id)
    WHERE action NOT IN ('user.sign_in', 'user.sign_up', 'user.sign_out', 'code.send', 'code.verify');

-- One row: records from before until may be deleted, by the retention job alone.
CREATE TABLE audit_horizon (
    id    BIGINT PRIMARY KEY,
    until BIGINT NOT NULL
);
INSERT INTO audit_horizon (id, until) VALUES (1, 0);

-- A checkpoint says how far each lane of a pool had come, signed by the installation's
-- key. Copies live outside the database. lanes is what was signed, as JSON.
CREATE TABLE audit_checkpoints (
    id        TEXT PRIMARY KEY,
    pool_id   TEXT NOT NULL,
    at        BIGINT NOT NULL,
    lanes     TEXT NOT NULL,
    total     BIGINT NOT NULL,
    signature BYTEA NOT NULL
);
CREATE INDEX audit_checkpoints_by_pool ON audit_checkpoints (pool_id, at);

-- Where a lane begins once its oldest records were deleted: the last of those, signed.
CREATE TABLE audit_bases (
    pool_id   TEXT NOT NULL,
    lane      BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    PRIMARY KEY (pool_id, lane)
);

-- only: sqlite
CREATE TRIGGER audit_keep_update BEFORE UPDATE ON audit WHEN OLD.seq IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the audit trail is not changed'); END;
-- only: sqlite
CREATE TRIGGER audit_keep_delete BEFORE DELETE ON audit WHEN OLD.at >= (SELECT until FROM audit_horizon WHERE id = 1)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is kept'); END;
-- (A semicolon that ends a line would end the statement here.)
-- only: postgres
CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'TRUNCATE' THEN RAISE EXCEPTION 'the audit trail is kept'; END IF /* truncate */
    ; IF TG_OP = 'UPDATE' AND OLD.seq IS NULL THEN RETURN NEW; END IF /* into the chain */
    ; IF TG_OP = 'UPDATE' THEN RAISE EXCEPTION 'the audit trail is not changed'; END IF /* ever */
    ; IF OLD.at >= (SELECT until FROM audit_horizon WHERE id = 1) THEN RAISE EXCEPTION 'the audit trail is kept'; END IF /* yet */
    ; RETURN OLD; END $$;
-- only: postgres
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keep();
-- only: postgres
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
