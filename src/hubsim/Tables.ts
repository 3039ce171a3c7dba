/**
 * The tables, which are Koji's as far as a builder can see them, under Koji's names.
 *
 * Times are whole microseconds since the epoch, so that a time read back is the time written. A versioned table keeps
 * every row it ever had: a row is current while its `revoke_event` is empty, and what the configuration was at an
 * event can be asked for ever after.
 */

/** Of these tables; a file of another version is not opened. Change it with them. */
export const tablesVersion = 1

const versioned = `create_event INTEGER NOT NULL REFERENCES events (id),
  revoke_event INTEGER REFERENCES events (id)`

export const tables = `
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, password TEXT,
  status INTEGER NOT NULL DEFAULT 0, usertype INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS user_krb_principals (
  krb_principal TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id));
CREATE TABLE IF NOT EXISTS user_perms (
  user_id INTEGER NOT NULL REFERENCES users (id), name TEXT NOT NULL, PRIMARY KEY (user_id, name));
CREATE TABLE IF NOT EXISTS permissions (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users (id), key TEXT NOT NULL,
  master INTEGER REFERENCES sessions (id), authtype INTEGER NOT NULL, callnum INTEGER,
  expired INTEGER NOT NULL DEFAULT 0, closed INTEGER NOT NULL DEFAULT 0, exclusive INTEGER,
  start_time INTEGER NOT NULL, update_time INTEGER NOT NULL, renew_time INTEGER);

CREATE TABLE IF NOT EXISTS channels (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, description TEXT,
  enabled INTEGER NOT NULL DEFAULT 1, comment TEXT);
CREATE TABLE IF NOT EXISTS host (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users (id), name TEXT UNIQUE NOT NULL,
  update_time INTEGER, task_load REAL NOT NULL DEFAULT 0, ready INTEGER NOT NULL DEFAULT 0, data TEXT);
CREATE TABLE IF NOT EXISTS host_config (
  host_id INTEGER NOT NULL REFERENCES host (id), arches TEXT, capacity REAL NOT NULL DEFAULT 2 CHECK (capacity > 1),
  description TEXT, comment TEXT, enabled INTEGER NOT NULL DEFAULT 1, ${versioned});
CREATE TABLE IF NOT EXISTS host_channels (
  host_id INTEGER NOT NULL REFERENCES host (id), channel_id INTEGER NOT NULL REFERENCES channels (id), ${versioned});

CREATE TABLE IF NOT EXISTS task (
  id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, create_time INTEGER NOT NULL, start_time INTEGER,
  completion_time INTEGER, channel_id INTEGER NOT NULL REFERENCES channels (id), host_id INTEGER REFERENCES host (id),
  parent INTEGER REFERENCES task (id), label TEXT, waiting INTEGER, awaited INTEGER,
  owner INTEGER NOT NULL REFERENCES users (id), method TEXT NOT NULL, request TEXT NOT NULL, result TEXT,
  arch TEXT NOT NULL CHECK (length(arch) <= 16), priority INTEGER NOT NULL,
  weight REAL NOT NULL DEFAULT 1 CHECK (weight >= 0), UNIQUE (parent, label));
CREATE INDEX IF NOT EXISTS task_by_state ON task (state);
CREATE TABLE IF NOT EXISTS scheduler_task_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task_id INTEGER NOT NULL REFERENCES task (id),
  host_id INTEGER NOT NULL REFERENCES host (id), active INTEGER NOT NULL DEFAULT 1, create_time INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS scheduler_task_refusals (
  task_id INTEGER NOT NULL REFERENCES task (id), host_id INTEGER NOT NULL REFERENCES host (id), soft INTEGER NOT NULL,
  by_host INTEGER NOT NULL, msg TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (task_id, host_id));
CREATE TABLE IF NOT EXISTS scheduler_last_run (id INTEGER PRIMARY KEY CHECK (id = 1), time INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS tag (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS tag_config (
  tag_id INTEGER NOT NULL REFERENCES tag (id), arches TEXT, perm_id INTEGER REFERENCES permissions (id),
  locked INTEGER NOT NULL DEFAULT 0, ${versioned});
CREATE TABLE IF NOT EXISTS tag_extra (
  tag_id INTEGER NOT NULL REFERENCES tag (id), key TEXT NOT NULL, value TEXT, ${versioned});
CREATE TABLE IF NOT EXISTS tag_inheritance (
  tag_id INTEGER NOT NULL REFERENCES tag (id), parent_id INTEGER NOT NULL REFERENCES tag (id),
  priority INTEGER NOT NULL, maxdepth INTEGER, intransitive INTEGER NOT NULL DEFAULT 0,
  noconfig INTEGER NOT NULL DEFAULT 0, pkg_filter TEXT NOT NULL DEFAULT '', ${versioned});
CREATE TABLE IF NOT EXISTS build_target (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS build_target_config (
  build_target_id INTEGER NOT NULL REFERENCES build_target (id), build_tag INTEGER NOT NULL REFERENCES tag (id),
  dest_tag INTEGER NOT NULL REFERENCES tag (id), ${versioned});
CREATE TABLE IF NOT EXISTS package (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS tag_packages (
  tag_id INTEGER NOT NULL REFERENCES tag (id), package_id INTEGER NOT NULL REFERENCES package (id),
  owner INTEGER NOT NULL REFERENCES users (id), blocked INTEGER NOT NULL DEFAULT 0, extra_arches TEXT, ${versioned});
CREATE TABLE IF NOT EXISTS groups (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS group_config (
  group_id INTEGER NOT NULL REFERENCES groups (id), tag_id INTEGER NOT NULL REFERENCES tag (id),
  blocked INTEGER NOT NULL DEFAULT 0, exported INTEGER NOT NULL DEFAULT 1, display_name TEXT NOT NULL,
  is_default INTEGER, uservisible INTEGER NOT NULL DEFAULT 0, description TEXT, langonly TEXT, biarchonly INTEGER,
  ${versioned});
CREATE TABLE IF NOT EXISTS group_package_listing (
  group_id INTEGER NOT NULL REFERENCES groups (id), tag_id INTEGER NOT NULL REFERENCES tag (id),
  package TEXT NOT NULL, blocked INTEGER NOT NULL DEFAULT 0, type TEXT NOT NULL DEFAULT 'mandatory',
  basearchonly INTEGER, requires TEXT, ${versioned});
CREATE TABLE IF NOT EXISTS external_repo (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);
INSERT OR IGNORE INTO external_repo (id, name) VALUES (0, 'INTERNAL');
CREATE TABLE IF NOT EXISTS external_repo_config (
  external_repo_id INTEGER NOT NULL REFERENCES external_repo (id), url TEXT NOT NULL, ${versioned});
CREATE TABLE IF NOT EXISTS tag_external_repos (
  tag_id INTEGER NOT NULL REFERENCES tag (id), external_repo_id INTEGER NOT NULL REFERENCES external_repo (id),
  priority INTEGER NOT NULL, merge_mode TEXT NOT NULL DEFAULT 'koji', arches TEXT, ${versioned});

CREATE TABLE IF NOT EXISTS volume (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
INSERT OR IGNORE INTO volume (id, name) VALUES (0, 'DEFAULT');
CREATE TABLE IF NOT EXISTS build (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pkg_id INTEGER NOT NULL REFERENCES package (id), version TEXT NOT NULL,
  release TEXT NOT NULL, epoch INTEGER, draft INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL,
  volume_id INTEGER NOT NULL DEFAULT 0 REFERENCES volume (id), task_id INTEGER REFERENCES task (id),
  owner INTEGER NOT NULL REFERENCES users (id), start_time INTEGER, completion_time INTEGER, source TEXT, extra TEXT,
  create_event INTEGER NOT NULL REFERENCES events (id), UNIQUE (pkg_id, version, release));
CREATE TABLE IF NOT EXISTS tag_listing (
  tag_id INTEGER NOT NULL REFERENCES tag (id), build_id INTEGER NOT NULL REFERENCES build (id), ${versioned});
CREATE TABLE IF NOT EXISTS rpminfo (
  id INTEGER PRIMARY KEY AUTOINCREMENT, build_id INTEGER REFERENCES build (id),
  buildroot_id INTEGER REFERENCES buildroot (id), name TEXT NOT NULL, version TEXT NOT NULL, release TEXT NOT NULL,
  epoch INTEGER, arch TEXT NOT NULL, external_repo_id INTEGER NOT NULL DEFAULT 0 REFERENCES external_repo (id),
  payloadhash TEXT NOT NULL, size INTEGER NOT NULL, buildtime INTEGER NOT NULL, draft INTEGER NOT NULL DEFAULT 0,
  metadata_only INTEGER NOT NULL DEFAULT 0, extra TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS rpminfo_by_name
  ON rpminfo (name, version, release, arch, external_repo_id) WHERE draft = 0;
CREATE INDEX IF NOT EXISTS rpminfo_by_build ON rpminfo (build_id);

CREATE TABLE IF NOT EXISTS repo (
  id INTEGER PRIMARY KEY AUTOINCREMENT, tag_id INTEGER NOT NULL REFERENCES tag (id), creation_time INTEGER NOT NULL,
  state INTEGER NOT NULL, state_time INTEGER NOT NULL, create_event INTEGER NOT NULL REFERENCES events (id),
  begin_event INTEGER, end_event INTEGER, dist INTEGER NOT NULL DEFAULT 0, opts TEXT, custom_opts TEXT,
  task_id INTEGER REFERENCES task (id));
CREATE TABLE IF NOT EXISTS repo_queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT, create_time INTEGER NOT NULL, owner INTEGER NOT NULL REFERENCES users (id),
  priority INTEGER NOT NULL, tag_id INTEGER NOT NULL REFERENCES tag (id), at_event INTEGER, min_event INTEGER,
  opts TEXT NOT NULL, update_time INTEGER NOT NULL, active INTEGER NOT NULL DEFAULT 1,
  task_id INTEGER REFERENCES task (id), tries INTEGER NOT NULL DEFAULT 0, repo_id INTEGER REFERENCES repo (id));
CREATE TABLE IF NOT EXISTS buildroot (
  id INTEGER PRIMARY KEY AUTOINCREMENT, container_arch TEXT NOT NULL, container_type TEXT NOT NULL DEFAULT 'chroot',
  host_id INTEGER NOT NULL REFERENCES host (id), repo_id INTEGER NOT NULL REFERENCES repo (id),
  task_id INTEGER REFERENCES task (id), state INTEGER NOT NULL, create_event INTEGER NOT NULL REFERENCES events (id),
  retire_event INTEGER REFERENCES events (id));
CREATE TABLE IF NOT EXISTS buildroot_listing (
  buildroot_id INTEGER NOT NULL REFERENCES buildroot (id), rpm_id INTEGER NOT NULL REFERENCES rpminfo (id),
  is_update INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (buildroot_id, rpm_id));
`
