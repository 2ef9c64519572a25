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
INSERT INTO "commands" VALUES('93645b4d6d6c8b6a3db224c43eadf53e','cef5d516bfc43d7c44c5caafd10f88f49398e6b03fa2f24dd7dc55b0d3577690',1,1,'2026-11-27T12:41:06.177Z','2026-11-27T12:41:06.177Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('908f8a3e5ad4267b8c798be300e888cc','9c846dde84a9687f60a2b735eb72051e049f1acb1cade9a87929733e63cfa6f3',1,1,'2026-11-27T12:41:06.372Z','2026-11-27T12:41:06.372Z',204,X'',NULL,NULL);
CREATE TABLE entities (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    live    INTEGER NOT NULL,
    fields  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
INSERT INTO "entities" VALUES('event','autumn',3,1,'{"name": "Autumn, second life"}');
INSERT INTO "entities" VALUES('event','congress',1,1,'{"name": "Congress"}');
INSERT INTO "entities" VALUES('event','cup',1,1,'{"name": "Cup"}');
INSERT INTO "entities" VALUES('event','expo',1,1,'{"name": "Expo"}');
INSERT INTO "entities" VALUES('event','fair',2,0,'{"name": "Fair"}');
INSERT INTO "entities" VALUES('event','fete',2,0,'{"name": "Fete"}');
INSERT INTO "entities" VALUES('event','gala',2,0,'{"name": "Gala"}');
INSERT INTO "entities" VALUES('event','home',1,1,'{"name": "Home"}');
INSERT INTO "entities" VALUES('event','jubilee',2,0,'{"name": "Jubilee"}');
INSERT INTO "entities" VALUES('event','league',1,1,'{"name": "League"}');
INSERT INTO "entities" VALUES('event','open',1,1,'{"name": "Open"}');
INSERT INTO "entities" VALUES('event','spring',2,0,'{"name": "Spring"}');
INSERT INTO "entities" VALUES('event','summer',2,0,'{"name": "Summer"}');
INSERT INTO "entities" VALUES('event','tour',1,1,'{"name": "Tour"}');
INSERT INTO "entities" VALUES('event','winter',1,1,'{"name": "Winter"}');
CREATE TABLE outbox (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,  -- in order of commits: there is one writer at a time
    event     TEXT NOT NULL,                      -- the CloudEvent, byte for byte as it is sent
    published TEXT,                               -- when it was accepted
    refusal   TEXT                                -- why it was parked
);
INSERT INTO "outbox" VALUES(22,'{"correlationid": "tether2.10000000000000000000000000000018", "causationid": "10000000000000000000000000000018", "specversion": "1.0", "id": "860ee3c1-8531-44c2-b56c-83ca187c1e3c", "source": "/events", "type": "EventDeleted.v1", "subject": "gala", "sequence": "2", "time": "2026-11-27T12:41:06.178Z", "datacontenttype": "application/json", "data": {}}',NULL,NULL);
INSERT INTO "outbox" VALUES(23,'{"correlationid": "tether2.10000000000000000000000000000019", "causationid": "10000000000000000000000000000019", "specversion": "1.0", "id": "3aef3cd4-340e-4fad-84dd-5147c55d7072", "source": "/events", "type": "EventDeleted.v1", "subject": "jubilee", "sequence": "2", "time": "2026-11-27T12:41:06.372Z", "datacontenttype": "application/json", "data": {}}',NULL,NULL);
CREATE INDEX outbox_pending ON outbox (position) WHERE published IS NULL AND refusal IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',23);
COMMIT;
