CREATE TABLE geburt (
  id TEXT PRIMARY KEY, idnr TEXT UNIQUE, familienname TEXT NOT NULL, vornamen TEXT NOT NULL,
  geburtsdatum TEXT NOT NULL, geburtsort TEXT NOT NULL, geschlecht TEXT NOT NULL, standesamt TEXT NOT NULL,
  registernummer TEXT NOT NULL UNIQUE, ausgestellt_am TEXT NOT NULL,
  elternteil1_id TEXT, elternteil1_idnr TEXT, elternteil1_familienname TEXT, elternteil1_vornamen TEXT,
  elternteil2_id TEXT, elternteil2_idnr TEXT, elternteil2_familienname TEXT, elternteil2_vornamen TEXT,
  elternteil1_sperre INTEGER NOT NULL DEFAULT 0, elternteil2_sperre INTEGER NOT NULL DEFAULT 0,
  auskunftssperre INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX geburt_name ON geburt (familienname, geburtsdatum);
