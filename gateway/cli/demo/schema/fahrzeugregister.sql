CREATE TABLE halter (
  id TEXT PRIMARY KEY, idnr TEXT UNIQUE, familienname TEXT NOT NULL, vornamen TEXT NOT NULL,
  geburtsdatum TEXT NOT NULL, strasse TEXT NOT NULL, hausnummer TEXT NOT NULL, plz TEXT NOT NULL, ort TEXT NOT NULL,
  auskunftssperre INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX halter_name ON halter (familienname, geburtsdatum);
CREATE TABLE fahrzeug (
  kennzeichen TEXT PRIMARY KEY, halter TEXT NOT NULL REFERENCES halter (id), fin TEXT NOT NULL UNIQUE,
  klasse TEXT NOT NULL, erstzulassung TEXT NOT NULL, halter_seit TEXT NOT NULL
) STRICT;
CREATE INDEX fahrzeug_halter ON fahrzeug (halter);
