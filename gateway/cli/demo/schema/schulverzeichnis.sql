CREATE TABLE schulbesuch (
  id TEXT PRIMARY KEY, familienname TEXT NOT NULL, vornamen TEXT NOT NULL, geburtsdatum TEXT NOT NULL,
  schule TEXT NOT NULL, schulort TEXT NOT NULL, klassenstufe TEXT NOT NULL, schuljahr TEXT NOT NULL,
  besucht_seit TEXT NOT NULL
) STRICT;
CREATE INDEX schulbesuch_name ON schulbesuch (familienname, geburtsdatum);
