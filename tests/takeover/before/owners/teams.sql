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
INSERT INTO "commands" VALUES('80addca5621cd70cc08cda508cf396d5','4065479c95323a53de4dfc6224a090b3f0c5b269c40cc15f6eff8b16947e0709',1,1,'2026-11-27T12:40:57.510Z','2026-11-27T12:40:57.510Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('b5c4ce827bd30cb55270f5215d8e04e5','bcf6cf59c28be97940c57ef601f97e82adab68c404c4ccb01990654888d2bb2a',1,1,'2026-11-27T12:40:57.970Z','2026-11-27T12:40:57.970Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('8a1f99624883c89d58f5989a6e2e58bc','c3773f82058e12abd74d02c273e8f510dbff81835652b6197153fa450a5eba5c',1,1,'2026-11-27T12:40:58.258Z','2026-11-27T12:40:58.258Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('bf178ea6986670e88c38e89b97a29ad8','18ca7b93aa08dc6add2afb45add1860dda99a7b143f41a5cd021e71e3caee030',1,1,'2026-11-27T12:40:58.558Z','2026-11-27T12:40:58.558Z',200,X'7B226964223A226D30222C2276657273696F6E223A322C226E616D65223A225465616D206D30222C226576656E745F6964223A22637570227D','application/json','"2"');
INSERT INTO "commands" VALUES('16f8235a449aef2b317420bcbdda6f65','d12a32c525d11fa069acd0ae1436700df8e9caf344a530035fe1ab02abeb484d',1,1,'2026-11-27T12:40:58.938Z','2026-11-27T12:40:58.938Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('7a879404d61acf78f4994aeb54511f6b','4da876734826302966188c245d4150bd2be9330b54d0b009453394843cdaf48d',1,1,'2026-11-27T12:41:02.439Z','2026-11-27T12:41:02.439Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('c8d45ae930c4aca367a368a597c0a091','6eef56c902ea9dc7f8784d55692b7fb39531ed5d2796bf5d3eb1351765ed6499',1,1,'2026-11-27T12:41:02.440Z','2026-11-27T12:41:02.440Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('b0f64915904b232bbd457411910aed81','bd5e23ae0b191bba078443fdc0feeac532c2acefcbf6416e487d5494dce768d7',1,1,'2026-11-27T12:41:02.440Z','2026-11-27T12:41:02.440Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('52cf51a28030d4f9e3857b9a883cc3c8','f4ac7cb04a4a23280ea485b9a7420340026731ca84b01bc6c856c2efe2d688db',1,1,'2026-11-27T12:41:02.440Z','2026-11-27T12:41:02.440Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('048ed278532659451daa706e16a5777d','31ee457f9c31347a9f574025bc89f0647a9a6822c79d7e10da51b429fd128ec0',1,1,'2026-11-27T12:41:03.373Z','2026-11-27T12:41:03.373Z',204,X'',NULL,NULL);
INSERT INTO "commands" VALUES('7f96621a12eb49ed4d8f0afc0ea4cbcd','ecb5a7c8435091d7bf43ff71a5eec3020108bbd441b0fcab27ef1ba7ebfce3ba',1,1,'2026-11-27T12:41:04.582Z','2026-11-27T12:41:04.582Z',200,X'7B226964223A226B33222C2276657273696F6E223A322C226E616D65223A225465616D206B33222C226576656E745F6964223A22637570227D','application/json','"2"');
INSERT INTO "commands" VALUES('dec740b1b31b6c0fb8acbce4085ac5b9','09dbb929346b3271f161ac20354e3b585d9e293a5d2f2dde23c7f2a6e1a1277b',1,1,'2026-11-27T12:41:04.582Z','2026-11-27T12:41:04.582Z',200,X'7B226964223A226B32222C2276657273696F6E223A322C226E616D65223A225465616D206B32222C226576656E745F6964223A22637570227D','application/json','"2"');
INSERT INTO "commands" VALUES('62f04abfe24e0eb4f104235af651f81c','cf03181455e44ef9153dbdfcecab173c8e47e94431d14eb6de4c74bbae6357c0',1,1,'2026-11-27T12:41:04.583Z','2026-11-27T12:41:04.583Z',200,X'7B226964223A226B31222C2276657273696F6E223A322C226E616D65223A225465616D206B31222C226576656E745F6964223A22637570227D','application/json','"2"');
INSERT INTO "commands" VALUES('56eccfe78d95a859bc8c4130e4712d2e','7d2eceac26059e4aaa950c68e77ecbc1482527dd45b4b4e22a1081f5a59a142b',1,1,'2026-11-27T12:41:05.747Z','2026-11-27T12:41:05.747Z',200,X'7B226964223A226D33222C2276657273696F6E223A322C226E616D65223A225465616D206D33222C226576656E745F6964223A22637570227D','application/json','"2"');
CREATE TABLE entities (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    live    INTEGER NOT NULL,
    fields  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
INSERT INTO "entities" VALUES('team','a1',1,1,'{"name": "Team a1", "event_id": "autumn"}');
INSERT INTO "entities" VALUES('team','a2',2,0,'{"name": "Team a2", "event_id": "autumn"}');
INSERT INTO "entities" VALUES('team','c1',1,1,'{"name": "Team c1", "event_id": "congress"}');
INSERT INTO "entities" VALUES('team','c2',1,1,'{"name": "Team c2", "event_id": "congress"}');
INSERT INTO "entities" VALUES('team','d1',2,0,'{"name": "Team d1", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','d2',2,0,'{"name": "Team d2", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','e1',1,1,'{"name": "Team e1", "event_id": "expo"}');
INSERT INTO "entities" VALUES('team','f1',1,1,'{"name": "Team f1", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','f2',1,1,'{"name": "Team f2", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','g1',1,1,'{"name": "Team g1", "event_id": "gala"}');
INSERT INTO "entities" VALUES('team','g2',1,1,'{"name": "Team g2", "event_id": "gala"}');
INSERT INTO "entities" VALUES('team','j1',1,1,'{"name": "Team j1", "event_id": "jubilee"}');
INSERT INTO "entities" VALUES('team','k1',2,1,'{"name": "Team k1", "event_id": "cup"}');
INSERT INTO "entities" VALUES('team','k2',2,1,'{"name": "Team k2", "event_id": "cup"}');
INSERT INTO "entities" VALUES('team','k3',2,1,'{"name": "Team k3", "event_id": "cup"}');
INSERT INTO "entities" VALUES('team','k4',1,1,'{"name": "Team k4", "event_id": "league"}');
INSERT INTO "entities" VALUES('team','later-p2',1,1,'{"name": "Team later-p2", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','later-x3',1,1,'{"name": "Team later-x3", "event_id": "fair"}');
INSERT INTO "entities" VALUES('team','m0',2,1,'{"name": "Team m0", "event_id": "cup"}');
INSERT INTO "entities" VALUES('team','m1',1,1,'{"name": "Team m1", "event_id": "home"}');
INSERT INTO "entities" VALUES('team','m2',1,1,'{"name": "Team m2", "event_id": "home"}');
INSERT INTO "entities" VALUES('team','m3',3,1,'{"name": "Team m3", "event_id": "open"}');
INSERT INTO "entities" VALUES('team','m4',1,1,'{"name": "Team m4", "event_id": "home"}');
INSERT INTO "entities" VALUES('team','m5',1,1,'{"name": "Team m5", "event_id": "home"}');
INSERT INTO "entities" VALUES('team','m6',1,1,'{"name": "Team m6", "event_id": "home"}');
INSERT INTO "entities" VALUES('team','never-k5',1,1,'{"name": "Team never-k5", "event_id": "league"}');
INSERT INTO "entities" VALUES('team','never-m7',1,1,'{"name": "Team never-m7", "event_id": "home"}');
INSERT INTO "entities" VALUES('team','never-p1',1,1,'{"name": "Team never-p1", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','never-x2',1,1,'{"name": "Team never-x2", "event_id": "fair"}');
INSERT INTO "entities" VALUES('team','never-y2',1,1,'{"name": "Team never-y2", "event_id": "fete"}');
INSERT INTO "entities" VALUES('team','q1',2,0,'{"name": "Team q1", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','q2',2,0,'{"name": "Team q2", "event_id": "summer"}');
INSERT INTO "entities" VALUES('team','r1',1,1,'{"name": "Team r1", "event_id": "tour"}');
INSERT INTO "entities" VALUES('team','r2',3,1,'{"name": "Team r2", "event_id": "tour"}');
INSERT INTO "entities" VALUES('team','s1',2,0,'{"name": "Team s1", "event_id": "spring"}');
INSERT INTO "entities" VALUES('team','s9',1,1,'{"name": "s9", "event_id": "spring"}');
INSERT INTO "entities" VALUES('team','w1',1,1,'{"name": "Team w1", "event_id": "winter"}');
INSERT INTO "entities" VALUES('team','w2',1,1,'{"name": "Team w2", "event_id": "winter"}');
INSERT INTO "entities" VALUES('team','x1',2,0,'{"name": "Team x1", "event_id": "fair"}');
INSERT INTO "entities" VALUES('team','y1',2,0,'{"name": "Team y1", "event_id": "fete"}');
INSERT INTO "entities" VALUES('team','z1',2,1,'{"name": "Team z1", "event_id": null}');
CREATE TABLE outbox (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,  -- in order of commits: there is one writer at a time
    event     TEXT NOT NULL,                      -- the CloudEvent, byte for byte as it is sent
    published TEXT,                               -- when it was accepted
    refusal   TEXT                                -- why it was parked
);
INSERT INTO "outbox" VALUES(48,'{"correlationid": "tether2.ace9be9f47a23b6fc99453786ad7d2ea", "causationid": "ace9be9f47a23b6fc99453786ad7d2ea", "specversion": "1.0", "id": "9b47abf5-bdb9-4345-8586-713922fde2e4", "source": "/teams", "type": "TeamDeleted.v1", "subject": "q2", "sequence": "2", "time": "2026-11-27T12:41:02.440Z", "datacontenttype": "application/json", "data": {}}',NULL,NULL);
INSERT INTO "outbox" VALUES(49,'{"correlationid": "tether2.ace9be9f47a23b6fc99453786ad7d2ea", "causationid": "ace9be9f47a23b6fc99453786ad7d2ea", "specversion": "1.0", "id": "b35e0234-0357-4936-b88c-c5b6611348c9", "source": "/teams", "type": "TeamDeleted.v1", "subject": "q1", "sequence": "2", "time": "2026-11-27T12:41:02.440Z", "datacontenttype": "application/json", "data": {}}',NULL,NULL);
INSERT INTO "outbox" VALUES(51,'{"correlationid": "tether2.1000000000000000000000000000000b", "causationid": "1000000000000000000000000000000b", "specversion": "1.0", "id": "337dbd79-994e-4fa1-a8a7-c7f8e9762dfa", "source": "/teams", "type": "TeamMoved.v1", "subject": "k3", "sequence": "2", "time": "2026-11-27T12:41:04.582Z", "datacontenttype": "application/json", "data": {"event_id": "cup"}}',NULL,NULL);
INSERT INTO "outbox" VALUES(54,'{"correlationid": "tether2.10000000000000000000000000000013", "causationid": "10000000000000000000000000000013", "specversion": "1.0", "id": "64811f50-fb42-4dac-a0f8-4d2f96854bb7", "source": "/teams", "type": "TeamMoved.v1", "subject": "m3", "sequence": "2", "time": "2026-11-27T12:41:05.747Z", "datacontenttype": "application/json", "data": {"event_id": "cup"}}',NULL,NULL);
INSERT INTO "outbox" VALUES(55,'{"specversion": "1.0", "id": "a9d4b12b-490e-4109-b851-78004af8de4c", "source": "/teams", "type": "TeamMoved.v1", "subject": "m3", "sequence": "3", "time": "2026-11-27T12:41:05.774Z", "datacontenttype": "application/json", "data": {"event_id": "open"}}',NULL,NULL);
CREATE INDEX outbox_pending ON outbox (position) WHERE published IS NULL AND refusal IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',58);
COMMIT;
