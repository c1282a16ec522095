/** What the verification page's worker does: its page and the page's files, also without network. */

/** As much of a worker's world as this needs. */
export interface World {
  caches: Pick<CacheStorage, "open" | "keys" | "delete">;
  fetch: (asked: Request) => Promise<Response>;
  /** Resolves after so many milliseconds. */
  pause: (milliseconds: number) => Promise<void>;
  origin: string;
}

/** What was built: the version changes with any file. */
export interface Build {
  version: string;
  files: readonly string[];
}

export const PAGE = "/verify";
const OURS = "verify-";
/** How long a network may take that says nothing: people wait with the paper in their hands. */
const PATIENCE = 4_000;

export class Serving {
  private readonly name: string;

  constructor(
    private readonly world: World,
    private readonly build: Build,
  ) {
    this.name = `${OURS}${build.version}`;
  }

  /** Keep the page and every file of it, or fail: half of them would be a page that does not open. */
  async install(): Promise<void> {
    const cache = await this.world.caches.open(this.name);
    try {
      await Promise.all([PAGE, ...this.build.files].map((path) => this.keep(cache, path)));
    } catch (error) {
      await this.world.caches.delete(this.name);
      throw error;
    }
  }

  /** Drop what earlier versions kept. */
  async activate(): Promise<void> {
    const names = await this.world.caches.keys();
    const old = names.filter((name) => name.startsWith(OURS) && name !== this.name);
    await Promise.all(old.map((name) => this.world.caches.delete(name)));
  }

  /** How to answer; null: the worker has no part in it. No answer of the API is ever kept. */
  answer(asked: Request): Promise<Response> | null {
    if (asked.method !== "GET") return null;
    if (asked.mode === "navigate") return this.page(asked);
    const { origin, pathname } = new URL(asked.url);
    if (origin !== this.world.origin || !this.build.files.includes(pathname)) return null;
    return this.file(asked, pathname);
  }

  /** The network's page if there is one in time, for it may be newer; else the one that is kept. */
  private async page(asked: Request): Promise<Response> {
    const fresh = this.world.fetch(asked);
    const inTime = await Promise.race([
      fresh.catch(() => null),
      this.world.pause(PATIENCE).then(() => null),
    ]);
    if (inTime && inTime.status < 500) return inTime;
    return (await this.kept(PAGE)) ?? fresh;
  }

  private async file(asked: Request, path: string): Promise<Response> {
    return (await this.kept(path)) ?? this.world.fetch(asked);
  }

  private async kept(path: string): Promise<Response | undefined> {
    return (await this.world.caches.open(this.name)).match(path);
  }

  private async keep(cache: Cache, path: string): Promise<void> {
    // What has its hash in its name cannot have changed; the page can.
    const how: RequestInit = path === PAGE ? { cache: "reload" } : {};
    const answer = await this.world.fetch(new Request(new URL(path, this.world.origin), how));
    if (!answer.ok || answer.redirected) throw new Error(`${path}: ${answer.status}`);
    if (path === PAGE && !(await this.isOfThisBuild(answer.clone()))) throw new Error("another build's page");
    await cache.put(path, answer);
  }

  /** A page that was deployed between this worker and its files asks for others. */
  private async isOfThisBuild(page: Response): Promise<boolean> {
    const named = (await page.text()).matchAll(/"(\/assets\/[^"]+)"/g);
    const asked = Array.from(named, ([, path]) => path!);
    return asked.length > 0 && asked.every((path) => this.build.files.includes(path));
  }
}
