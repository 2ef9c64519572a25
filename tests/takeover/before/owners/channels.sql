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
INSERT INTO "commands" VALUES('31169de758ad70b43573e299bfcdb71a','31a46b3d059c0b304f947b1738f3afc873dadf28cb8053308fc948a98c26728d',1,1,'2026-11-27T12:40:55.415Z','2026-11-27T12:40:55.415Z',201,X'7B226964223A226368616E6E656C2D6F662D4368657373222C2276657273696F6E223A312C226E616D65223A224368657373227D','application/json','"1"');
INSERT INTO "commands" VALUES('7b1a2c30be42e4b8ef5c3ce933516367','d9653ea684d93488b1283dd583afa4edc962e85eb90a463d1fe7241d067f5193',1,1,'2026-11-27T12:40:55.967Z','2026-11-27T12:40:55.967Z',201,X'7B226964223A226368616E6E656C2D6F662D43726577222C2276657273696F6E223A312C226E616D65223A2243726577227D','application/json','"1"');
INSERT INTO "commands" VALUES('160e9c4f3a27c338b258addd685040c7','eb05221c232d5327244c15f7104847d2c7b611134e46b511867911aa90280275',1,1,'2026-11-27T12:40:56.079Z','2026-11-27T12:40:56.079Z',201,X'7B226964223A226368616E6E656C2D6F662D44616E6365222C2276657273696F6E223A312C226E616D65223A2244616E6365227D','application/json','"1"');
INSERT INTO "commands" VALUES('dadff23cd0ad74930c3d9c2604a3ae44','a6771fef94a645eb7ad7871ad570c3fca9fb18be47c116789336c34564907952',1,1,'2026-11-27T12:40:56.098Z','2026-11-27T12:40:56.098Z',201,X'7B226964223A226368616E6E656C2D6F662D43686573732F626F62222C2276657273696F6E223A312C226368616E6E656C223A226368616E6E656C2D6F662D4368657373222C2275736572223A22626F62227D','application/json','"1"');
INSERT INTO "commands" VALUES('f8c33660f2dbc10b1a8a267790191e0c','86b004d1bf0994c0692e4196dc8483360a26a85c43c0ed4fe2dd21203fd8cac7',1,1,'2026-11-27T12:40:56.102Z','2026-11-27T12:40:56.102Z',201,X'7B226964223A226368616E6E656C2D6F662D526F77696E67222C2276657273696F6E223A312C226E616D65223A22526F77696E67227D','application/json','"1"');
INSERT INTO "commands" VALUES('3c2909a44ef00a4b1354b12b1d29268a','75ccf9c23988a7bac21e2de1f2d3dd88859963d52ca19dde2bfbb1ef953c611d',1,1,'2026-11-27T12:40:56.164Z','2026-11-27T12:40:56.164Z',201,X'7B226964223A226368616E6E656C2D6F662D43686573732F616E6E222C2276657273696F6E223A312C226368616E6E656C223A226368616E6E656C2D6F662D4368657373222C2275736572223A22616E6E227D','application/json','"1"');
INSERT INTO "commands" VALUES('37a912ff6cd31746f08d33f8587fb89e','cffab4575fe03a9a5677308f7f899b8722e8d4425ef8e3ed551af5494215f69e',1,1,'2026-11-27T12:40:56.232Z','2026-11-27T12:40:56.232Z',201,X'7B226964223A226368616E6E656C2D6F662D437265772F68616C222C2276657273696F6E223A312C226368616E6E656C223A226368616E6E656C2D6F662D43726577222C2275736572223A2268616C227D','application/json','"1"');
INSERT INTO "commands" VALUES('0bba4e127270c10ba977a3b13b690a78','1814b09e2db235bde11525cd23bad5068f30808f21375a338fec43cc2092e298',1,1,'2026-11-27T12:41:00.073Z','2026-11-27T12:41:00.073Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('1b8bd6b1b510ed97b697dc4ef7e03426','690ae38a197f010342cbb658e15f336fdd5253988fe4844bc99cd52847d3a445',1,1,'2026-11-27T12:41:00.448Z','2026-11-27T12:41:00.448Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('a1ac5b09a5b2f3968308d030c1ece3ed','23bd978c2a37390fd60037d5ebd2d6c0ac95bf8dfdbf346912b78c3b4c31131f',1,1,'2026-11-27T12:41:01.160Z','2026-11-27T12:41:01.160Z',201,X'7B226964223A226368616E6E656C2D6F662D5361696C696E67222C2276657273696F6E223A312C226E616D65223A225361696C696E67227D','application/json','"1"');
INSERT INTO "commands" VALUES('ec7dd9a54e5c22802d2ad36c65038b0d','df8fa073c49abbc4dbf8065ad85e63383a39b9e8f5cee71ee2cc3cc25d7294e4',1,1,'2026-11-27T12:41:01.218Z','2026-11-27T12:41:01.218Z',201,X'7B226964223A226368616E6E656C2D6F662D476F6C66222C2276657273696F6E223A312C226E616D65223A22476F6C66227D','application/json','"1"');
CREATE TABLE entities (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    live    INTEGER NOT NULL,
    fields  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
INSERT INTO "entities" VALUES('channel','channel-of-Chess',1,1,'{"name": "Chess"}');
INSERT INTO "entities" VALUES('channel','channel-of-Crew',2,0,'{"name": "Crew"}');
INSERT INTO "entities" VALUES('channel','channel-of-Dance',1,1,'{"name": "Dance"}');
INSERT INTO "entities" VALUES('channel','channel-of-Golf',1,1,'{"name": "Golf"}');
INSERT INTO "entities" VALUES('channel','channel-of-Rowing',1,1,'{"name": "Rowing"}');
INSERT INTO "entities" VALUES('channel','channel-of-Sailing',1,1,'{"name": "Sailing"}');
INSERT INTO "entities" VALUES('channel','lounge',1,1,'{"name": "Lounge"}');
INSERT INTO "entities" VALUES('channel_member','channel-of-Chess/ann',1,1,'{"channel": "channel-of-Chess", "user": "ann"}');
INSERT INTO "entities" VALUES('channel_member','channel-of-Chess/bob',1,1,'{"channel": "channel-of-Chess", "user": "bob"}');
INSERT INTO "entities" VALUES('channel_member','channel-of-Crew/hal',2,0,'{"channel": "channel-of-Crew", "user": "hal"}');
CREATE TABLE outbox (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,  -- in order of commits: there is one writer at a time
    event     TEXT NOT NULL,                      -- the CloudEvent, byte for byte as it is sent
    published TEXT,                               -- when it was accepted
    refusal   TEXT                                -- why it was parked
);
INSERT INTO "outbox" VALUES(11,'{"correlationid": "tether1.Z3JvdXBfY2hhbm5lbB9zYWlsaW5n", "causationid": "group/sailing", "specversion": "1.0", "id": "92d49e7b-6f07-4700-8831-4ce14b8b7d6f", "source": "/channels", "type": "ChannelCreated.v1", "subject": "channel-of-Sailing", "sequence": "1", "time": "2026-11-27T12:41:01.160Z", "datacontenttype": "application/json", "data": {"name": "Sailing"}}',NULL,NULL);
INSERT INTO "outbox" VALUES(12,'{"correlationid": "tether1.Z3JvdXBfY2hhbm5lbB9nb2xm", "causationid": "group/golf", "specversion": "1.0", "id": "8e1b3633-9057-4b59-bfb0-9d4e74285c8a", "source": "/channels", "type": "ChannelCreated.v1", "subject": "channel-of-Golf", "sequence": "1", "time": "2026-11-27T12:41:01.219Z", "datacontenttype": "application/json", "data": {"name": "Golf"}}',NULL,NULL);
CREATE INDEX outbox_pending ON outbox (position) WHERE published IS NULL AND refusal IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',12);
COMMIT;
