BEGIN TRANSACTION;
CREATE TABLE commands (
    key        TEXT PRIMARY KEY,
    request    TEXT,                        -- hash of the request that used the key first; NULL while none was read
    -- requests with this key, also those that came to nothing; what cannot be read (400, 422) is none
    attempts   INTEGER NOT NULL,
    effects    INTEGER NOT NULL DEFAULT 0,  -- transactions with this key that changed something
    first      TEXT NOT NULL,
    last       TEXT NOT NULL,
    status     INTEGER,                     -- the answer; NULL while there is none
    body       BLOB,
    media_type TEXT,
    etag       TEXT
);
CREATE TABLE entities (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    live    INTEGER NOT NULL,
    fields  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
INSERT INTO "entities" VALUES('group','chess',1,1,'{"name": "Chess"}');
INSERT INTO "entities" VALUES('group','crew',2,0,'{"name": "Crew"}');
INSERT INTO "entities" VALUES('group','dance',2,0,'{"name": "Dance"}');
INSERT INTO "entities" VALUES('group','golf',1,1,'{"name": "Golf"}');
INSERT INTO "entities" VALUES('group','latest',1,1,'{"name": "Latest"}');
INSERT INTO "entities" VALUES('group','never',1,1,'{"name": "Never"}');
INSERT INTO "entities" VALUES('group','rowing',1,1,'{"name": "Rowing"}');
INSERT INTO "entities" VALUES('group','sailing',1,1,'{"name": "Sailing"}');
INSERT INTO "entities" VALUES('group','tennis',2,1,'{"name": "Tennis, renamed"}');
INSERT INTO "entities" VALUES('group_member','chess/ann',1,1,'{"group": "chess", "user": "ann"}');
INSERT INTO "entities" VALUES('group_member','chess/bob',2,0,'{"group": "chess", "user": "bob"}');
INSERT INTO "entities" VALUES('group_member','crew/hal',1,1,'{"group": "crew", "user": "hal"}');
INSERT INTO "entities" VALUES('group_member','tennis/cid',1,1,'{"group": "tennis", "user": "cid"}');
CREATE TABLE outbox (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,  -- in order of commits: there is one writer at a time
    event     TEXT NOT NULL,                      -- the CloudEvent, byte for byte as it is sent
    published TEXT,                               -- when it was accepted
    refusal   TEXT                                -- why it was parked
);
CREATE INDEX outbox_pending ON outbox (position) WHERE published IS NULL AND refusal IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',17);
COMMIT;
