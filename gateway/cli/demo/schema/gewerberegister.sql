CREATE TABLE gewerbe (
  id TEXT PRIMARY KEY, familienname TEXT NOT NULL, vornamen TEXT NOT NULL, geburtsdatum TEXT NOT NULL,
  geschaeftsbezeichnung TEXT NOT NULL, rechtsform TEXT NOT NULL, taetigkeit TEXT NOT NULL, beginn TEXT NOT NULL,
  strasse TEXT NOT NULL, hausnummer TEXT NOT NULL, plz TEXT NOT NULL, ort TEXT NOT NULL,
  angemeldet_am TEXT NOT NULL, gewerbenummer TEXT NOT NULL UNIQUE, auskunftssperre INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX gewerbe_name ON gewerbe (familienname, geburtsdatum);
