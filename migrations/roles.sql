-- The roles of the read models: the owner makes and changes tables, the projector writes rows, the reader reads. None is a
-- superuser. The managed Postgres runs this by itself; for one of yours, `steward permissions --postgres` prints it: run it
-- as a superuser in the database `steward`, as often as you like.
DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['steward_owner', 'steward_projector', 'steward_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I', role);
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', role);
  END LOOP;
END
$$;

ALTER ROLE steward_owner PASSWORD {{owner}};

ALTER ROLE steward_projector PASSWORD {{projector}};

ALTER ROLE steward_reader PASSWORD {{reader}};

ALTER DATABASE steward OWNER TO steward_owner;

REVOKE ALL ON DATABASE steward FROM PUBLIC;

GRANT CONNECT ON DATABASE steward TO steward_projector, steward_reader;

-- What an earlier version's one role made.
DO $$
DECLARE
  it record;
BEGIN
  FOR it IN SELECT nspname FROM pg_namespace WHERE nspname = 'steward' OR nspname ~ '^rm_[0-9]+$' LOOP
    EXECUTE format('ALTER SCHEMA %I OWNER TO steward_owner', it.nspname);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO steward_projector, steward_reader', it.nspname);
  END LOOP;
  FOR it IN
    SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname = 'steward' OR n.nspname ~ '^rm_[0-9]+$') AND c.relkind IN ('r', 'S')
  LOOP
    EXECUTE format('ALTER TABLE %I.%I OWNER TO steward_owner', it.nspname, it.relname);
    IF it.relkind = 'r' THEN
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I.%I TO steward_projector', it.nspname, it.relname);
      EXECUTE format('GRANT SELECT ON %I.%I TO steward_reader', it.nspname, it.relname);
    END IF;
  END LOOP;
END
$$;

-- And what the owner makes from now on, the next read models of a rebuild among it.
ALTER DEFAULT PRIVILEGES FOR ROLE steward_owner GRANT USAGE ON SCHEMAS TO steward_projector, steward_reader;

ALTER DEFAULT PRIVILEGES FOR ROLE steward_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO steward_projector;

ALTER DEFAULT PRIVILEGES FOR ROLE steward_owner GRANT SELECT ON TABLES TO steward_reader;
