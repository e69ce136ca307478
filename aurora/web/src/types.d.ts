// The shapes that the parts of the page hand to each other.

/** What GET /page.json answers. */
export interface PageInfo {
  name: string;
  host: string;
  language?: string;                 // of what is said, as BCP 47 has it
  watch: boolean;                    // a conversation at the server can be watched, and written to
  budget_ms: number;
  secure_url: string | null;
  key_needed: boolean;
  consent?: string;                  // what is kept where nobody chooses
  consents?: string[];               // what a user may choose
  model: { url: string; light_url?: string | null; kind: 'glb' | 'vrm'; name: string; missing: string[] } | null;
}

/** One event of a session: `type` and what belongs to it; see docs/page.md. */
export interface PageEvent {
  type: string;
  [more: string]: any;
}

export interface Options {
  deviceId?: string | null;
  headphones?: boolean;
  lipOffsetMs?: number;              // above zero: the lips come earlier
  consent?: string | null;           // what may be kept; null: as the server has it
  microphone?: boolean;              // false: a conversation by text only
}

/** A conversation: TalkSession of src/talk, or the script of dev/. Tells its news as CustomEvent 'page'. */
export interface Session extends EventTarget {
  talk(): void;
  watch(): void;
  end(): void;
  retry(): void;                     // at once, while reconnecting or waiting for a place
  mute(muted: boolean): void;
  say(text: string): void;
  cancel(): void;
  agree(consent: string): void;      // what may be kept from now on
  unblock(): void;                   // in a click, after `blocked`
  configure(options: Options): void;
  now(): number;                     // ms of the server's clock
  time(): number;                    // seconds of the sound's clock
  position(): { item: string; seconds: number; playing: boolean } | null;
  weights(seconds: number): Float32Array | null;
  gesture(): { attention: string | null; mood: { name: string; share: number }; nods: { depth: number; twice: boolean }[] };
  drawn(): { t: number; item: string; frame: number | null; heard: number } | null;
  levels(): { you: number; her: number };
  figures(): Figures;
}

export interface Figures {
  underruns: number | null;
  skewMs: number | null;             // the lips lead by so much
  missing: number | null;            // share of her sound without a frame, 0..1
  echo: string | null;
  device: string | null;
}

export type NewSession = (page: PageInfo, options: Options) => Session;

export interface Pose {
  weights: Float32Array;
  head: ArrayLike<number>;
  breath: number;
}

/** What draws her: src/stage. */
export interface Stage {
  readonly quality: 'high' | 'low';  // as decided where it was left to the stage
  load(what: { url: string; onProgress?(share: number): void }): Promise<{ names: string[]; missing: string[]; notes: string[] }>;
  draw(pose: Pose, seconds: number): void;
  setTheme(theme: 'light' | 'dark'): void;
  resize(): void;
  dispose(): void;
}
