CREATE TABLE person (
  id TEXT PRIMARY KEY, idnr TEXT UNIQUE, familienname TEXT NOT NULL, vornamen TEXT NOT NULL, geburtsname TEXT,
  geburtsdatum TEXT NOT NULL, geburtsort TEXT NOT NULL, geschlecht TEXT NOT NULL, staatsangehoerigkeit TEXT NOT NULL,
  familienstand TEXT NOT NULL, religion TEXT, strasse TEXT NOT NULL, hausnummer TEXT NOT NULL, plz TEXT NOT NULL,
  ort TEXT NOT NULL, einzugsdatum TEXT NOT NULL, fruehere_plz TEXT, frueherer_ort TEXT,
  haushaltsrolle TEXT NOT NULL, haushaltsgroesse INTEGER,
  anschrift TEXT NOT NULL GENERATED ALWAYS AS (strasse || ' ' || hausnummer || ', ' || plz || ' ' || ort) VIRTUAL,
  auskunftssperre INTEGER NOT NULL DEFAULT 0,
  quelle TEXT, stand TEXT
) STRICT;
CREATE INDEX person_name ON person (familienname, geburtsdatum);
CREATE INDEX person_anschrift ON person (anschrift);

-- Who lives at one address is one household: it is counted anew whenever somebody moves.
CREATE TRIGGER zuzug AFTER INSERT ON person BEGIN
  UPDATE person SET haushaltsgroesse = (SELECT count(*) FROM person AS alle WHERE alle.anschrift = new.anschrift)
  WHERE anschrift = new.anschrift;
END;
CREATE TRIGGER umzug AFTER UPDATE OF strasse, hausnummer, plz, ort ON person BEGIN
  UPDATE person SET haushaltsgroesse = (SELECT count(*) FROM person AS alle WHERE alle.anschrift = person.anschrift)
  WHERE anschrift IN (old.anschrift, new.anschrift);
END;

-- What Einmal wrote for which exchange: its own table, created by whoever runs the register.
CREATE TABLE einmal_einreichung (
  exchange TEXT PRIMARY KEY, person TEXT NOT NULL, evidence TEXT NOT NULL, fields TEXT NOT NULL, consumer TEXT NOT NULL,
  time TEXT NOT NULL, UNIQUE (person, evidence, time, exchange)
) STRICT;
