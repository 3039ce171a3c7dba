/**
 * The shapes in which Koji shows its rows, as views over the tables: one name for each column as it goes to the
 * client. Every time is shown twice, as text in UTC and as seconds since the epoch (daemon.md 1.4).
 */

/** `2024-05-01 10:20:30.123456+00:00`, without the fraction when it is zero. */
const text = (column: string) =>
  `CASE WHEN ${column} IS NULL THEN NULL ELSE strftime('%Y-%m-%d %H:%M:%S', ${column} / 1000000, 'unixepoch') ||
    CASE ${column} % 1000000 WHEN 0 THEN '' ELSE printf('.%06d', ${column} % 1000000) END || '+00:00' END`

/** A time under both its names: `create_time` and `create_ts`. */
const time = (column: string, name: string) => `${text(column)} AS ${name}_time, ${column} / 1000000.0 AS ${name}_ts`

/** What Koji shows and this hub never has: content generators, promoted drafts. */
const nil = (...names: ReadonlyArray<string>) => names.map((name) => `NULL AS ${name}`).join(", ")

const view = (name: string, select: string) => `DROP VIEW IF EXISTS ${name}; CREATE VIEW ${name} AS ${select};\n`

const buildColumns = `build.id, build.id AS build_id, build.version, build.release, build.epoch, build.draft,
  build.state, build.task_id, build.source, build.extra, events.id AS creation_event_id,
  ${time("events.time", "creation")}, ${time("build.start_time", "start")},
  ${time("build.completion_time", "completion")},
  package.id AS package_id, package.name AS package_name, package.name AS name,
  package.name || '-' || build.version || '-' || build.release AS nvr,
  volume.id AS volume_id, volume.name AS volume_name, users.id AS owner_id, users.name AS owner_name,
  ${nil("promotion_time", "promotion_ts", "promoter_id", "promoter_name", "cg_id", "cg_name")}`

const buildJoins = `build JOIN events ON events.id = build.create_event JOIN package ON package.id = build.pkg_id
  JOIN volume ON volume.id = build.volume_id JOIN users ON users.id = build.owner`

export const views = [
  view(
    "session_info",
    `SELECT id, user_id, key, master, authtype, callnum, expired, closed, exclusive, ${time("start_time", "start")},
      ${time("update_time", "update")}, ${time("renew_time", "renew")},
      COALESCE(renew_time, start_time) AS fresh FROM sessions`
  ),
  view(
    "task_info",
    `SELECT id, state, ${time("create_time", "create")}, ${time("start_time", "start")},
      ${time("completion_time", "completion")}, channel_id, host_id, parent, label, waiting, awaited, owner, method,
      arch, priority, weight, request, result FROM task`
  ),
  view(
    "host_info",
    `SELECT host.id, host.user_id, host.name, host.update_time / 1000000.0 AS update_ts, host.ready, host.task_load,
      host.data, config.arches, config.capacity, config.description, config.comment, config.enabled,
      config.create_event, config.revoke_event FROM host_config AS config JOIN host ON host.id = config.host_id`
  ),
  view("build_info", `SELECT ${buildColumns} FROM ${buildJoins}`),
  view(
    "tagged_build",
    `SELECT ${buildColumns}, tag.id AS tag_id, tag.name AS tag_name, tag_listing.create_event,
      tag_listing.revoke_event FROM ${buildJoins} JOIN tag_listing ON tag_listing.build_id = build.id
      JOIN tag ON tag.id = tag_listing.tag_id`
  ),
  view(
    "rpm_info",
    `SELECT rpminfo.*, rpminfo.name || '-' || rpminfo.version || '-' || rpminfo.release AS nvr,
      external_repo.name AS external_repo_name
      FROM rpminfo JOIN external_repo ON external_repo.id = rpminfo.external_repo_id`
  ),
  view(
    "package_config",
    `SELECT package.id AS package_id, package.name AS package_name, tag.id AS tag_id, tag.name AS tag_name,
      config.extra_arches, config.blocked, users.id AS owner_id, users.name AS owner_name, config.create_event,
      config.revoke_event FROM tag_packages AS config JOIN tag ON tag.id = config.tag_id
      JOIN package ON package.id = config.package_id JOIN users ON users.id = config.owner`
  ),
  view(
    "external_repo_info",
    `SELECT repo.id AS external_repo_id, repo.name AS external_repo_name, link.priority, tag.id AS tag_id,
      tag.name AS tag_name, config.url, link.merge_mode, link.arches, link.create_event, link.revoke_event
      FROM tag_external_repos AS link JOIN tag ON tag.id = link.tag_id
      JOIN external_repo AS repo ON repo.id = link.external_repo_id
      JOIN external_repo_config AS config ON config.external_repo_id = repo.id AND config.revoke_event IS NULL`
  ),
  view(
    "target_info",
    `SELECT target.id, target.name, config.build_tag, config.dest_tag, built.name AS build_tag_name,
      destination.name AS dest_tag_name, config.create_event, config.revoke_event
      FROM build_target_config AS config JOIN build_target AS target ON target.id = config.build_target_id
      JOIN tag AS built ON built.id = config.build_tag JOIN tag AS destination ON destination.id = config.dest_tag`
  ),
  view(
    "repo_info",
    `SELECT repo.id, repo.tag_id, tag.name AS tag_name, ${time("repo.creation_time", "creation")},
      ${time("repo.state_time", "state")}, repo.create_event, created.time / 1000000.0 AS create_ts,
      repo.begin_event, begun.time / 1000000.0 AS begin_ts, repo.end_event, ended.time / 1000000.0 AS end_ts,
      repo.state, repo.dist, repo.opts, repo.custom_opts, repo.task_id, task.state AS task_state
      FROM repo JOIN tag ON tag.id = repo.tag_id JOIN events AS created ON created.id = repo.create_event
      LEFT JOIN events AS begun ON begun.id = repo.begin_event LEFT JOIN events AS ended ON ended.id = repo.end_event
      LEFT JOIN task ON task.id = repo.task_id`
  ),
  view(
    "repo_request",
    `SELECT queue.id, ${time("queue.create_time", "create")}, queue.owner, users.name AS owner_name, queue.priority,
      queue.tag_id, tag.name AS tag_name, queue.at_event, queue.min_event, queue.opts,
      ${time("queue.update_time", "update")}, queue.active, queue.task_id, task.state AS task_state, queue.tries,
      queue.repo_id FROM repo_queue AS queue JOIN tag ON tag.id = queue.tag_id JOIN users ON users.id = queue.owner
      LEFT JOIN task ON task.id = queue.task_id`
  ),
  view(
    "buildroot_info",
    `SELECT buildroot.id, 0 AS br_type, ${nil("cg_id", "cg_name", "cg_version", "host_os", "host_arch", "extra")},
      buildroot.container_arch, buildroot.container_arch AS arch, buildroot.container_type,
      buildroot.state, buildroot.task_id, host.id AS host_id, host.name AS host_name, repo.id AS repo_id,
      repo.state AS repo_state, tag.id AS tag_id, tag.name AS tag_name, created.id AS create_event_id,
      ${text("created.time")} AS create_event_time, created.time / 1000000.0 AS create_ts,
      retired.id AS retire_event_id, ${text("retired.time")} AS retire_event_time,
      retired.time / 1000000.0 AS retire_ts, repo_created.id AS repo_create_event_id,
      ${text("repo_created.time")} AS repo_create_event_time
      FROM buildroot JOIN host ON host.id = buildroot.host_id JOIN repo ON repo.id = buildroot.repo_id
      JOIN tag ON tag.id = repo.tag_id JOIN events AS created ON created.id = buildroot.create_event
      LEFT JOIN events AS retired ON retired.id = buildroot.retire_event
      JOIN events AS repo_created ON repo_created.id = repo.create_event`
  )
].join("")
