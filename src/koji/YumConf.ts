/**
 * The package manager's configuration in a buildroot (tasks.md 2.4): one repository, the tag's, and nothing else; no
 * weak dependencies, no signature check, and what is missing is an error. The hub refuses packages from elsewhere.
 */
import { pathInfo } from "./Paths.ts"
import { withoutPassword } from "./ScmUrl.ts"

export interface YumConfChoices {
  /** Base URLs of the repository, at least one; mirrors of each other. */
  readonly urls: readonly [string, ...ReadonlyArray<string>]
  readonly proxy: string | null
  readonly moduleHotfixes: boolean
  /** 0 leaves dnf its own default. */
  readonly best: number
}

/** Where a repository's packages for an arch are, by every topurl; below topdir when there is none. */
export const repositoryUrls = (
  tree: { readonly topUrls: ReadonlyArray<string>; readonly topDirectory: string },
  repo: { readonly id: number; readonly tag: string; readonly arch: string }
): readonly [string, ...ReadonlyArray<string>] => {
  const urls = tree.topUrls.map((top) => `${pathInfo(top).repo(repo.id, repo.tag)}/${repo.arch}`)
  const [first, ...others] = urls
  return first === undefined
    ? [`file://${pathInfo(tree.topDirectory).repo(repo.id, repo.tag)}/${repo.arch}`]
    : [first, ...others]
}

/**
 * The text that mock is given as `yum.conf`, without the passwords in its addresses: it is journaled, and logged. What
 * is to work has them put back (`withPasswords`).
 */
export const renderYumConf = ({ urls, proxy, moduleHotfixes, best }: YumConfChoices): string => {
  const lines = [
    "[main]",
    ...(proxy === null || proxy === "" ? [] : [`proxy=${withoutPassword(proxy)}`]),
    "cachedir=/var/cache/yum",
    "debuglevel=1",
    "logfile=/var/log/yum.log",
    "reposdir=/dev/null",
    "retries=20",
    "obsoletes=1",
    "gpgcheck=0",
    "assumeyes=1",
    "keepcache=1",
    "install_weak_deps=0",
    "strict=1",
    "",
    "# repos",
    "",
    "[build]",
    "name=build",
    `baseurl=${withoutPassword(urls[0])}`,
    ...urls.slice(1).map((url) => `        ${withoutPassword(url)}`),
    ...(moduleHotfixes ? ["module_hotfixes=1"] : []),
    ...(best === 0 ? [] : [`best=${best}`])
  ]
  return lines.map((line) => `${line}\n`).join("")
}

/** A rendered text with the passwords that this site's addresses have. */
export const withPasswords = (
  text: string,
  site: { readonly topUrls: ReadonlyArray<string>; readonly yumProxy: string | null }
): string =>
  [...site.topUrls, ...(site.yumProxy === null ? [] : [site.yumProxy])].reduce((revealed, url) => {
    const shown = withoutPassword(url)
    return shown === url ? revealed : revealed.replaceAll(shown, () => url)
  }, text)
