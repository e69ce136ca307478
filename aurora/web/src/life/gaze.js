// @ts-check
// Where she looks: the eyes jump, and the head follows part of the way.

import { between } from './random.js';
import { Spring, eased } from './spring.js';

/** Angles in radians: [to her left, up]. @typedef {readonly [number, number]} Direction */

/** What a weight of 1 of the eyeLook shapes turns the eyes by: across, up or down. The stage turns eyeballs by it. */
export const FULL_LOOK = /** @type {const} */ ([0.52, 0.42]);

/**
 * How she looks in each state of the floor: the share of glances that rest on the person, for how long they rest, and
 * how far the others go. Who listens looks at you; who thinks looks away, and mostly up. After a change of the floor
 * the first glance is at the person, but for thinking.
 * @typedef {{person: number, rest: readonly [number, number], reach: Direction, up: number}} Habit
 */
/** @type {Readonly<Record<string, Habit>>} */
const HABITS = {
  hearing: { person: 0.94, rest: [0.9, 2.6], reach: [0.1, 0.05], up: 0 },
  listening: { person: 0.7, rest: [0.9, 3.0], reach: [0.2, 0.09], up: 0 },
  thinking: { person: 0, rest: [0.6, 1.5], reach: [0.3, 0.12], up: 0.75 },
  speaking: { person: 0.8, rest: [0.8, 2.6], reach: [0.16, 0.07], up: 0.2 },
};
/** Glances at the person wander between the eyes and the mouth, about 1.5° wide. */
const TRIANGLE = /** @type {readonly Direction[]} */ ([[0.022, 0.006], [-0.022, 0.006], [0, -0.03]]);
/** After a change of the floor the eyes move within this time, in seconds. */
const NOTICE = 0.12;
/** A jump takes 21 ms and 2.2 ms for each degree: the main sequence of saccades. */
const JUMP = 0.021;
const JUMP_PER_RADIAN = 0.0022 * (180 / Math.PI);
/** Share of a glance that the head goes along with, and how quickly. */
const FOLLOW = 0.42;
const QUICKNESS = 6;
/** A glance of more than this many radians comes with a blink. */
const LARGE = 0.2;

export class Gaze {
  /** @param {import('./random.js').Random} chance @param {number} start seconds */
  constructor(chance, start) {
    this.chance = chance;
    /** @type {Direction} */
    this.from = [0, 0];
    /** @type {Direction} */
    this.to = [0, 0];
    this.jumped = start;
    this.lasts = JUMP;
    this.habit = HABITS.listening;
    /** The floor has changed since the last glance. */
    this.fresh = false;
    this.leaves = start + between(chance, this.habit.rest);
    this.head = [new Spring(QUICKNESS), new Spring(QUICKNESS)];
    this.now = start;
  }

  /** The floor has changed. @param {string} floor @param {number} time */
  attend(floor, time) {
    const habit = HABITS[floor] ?? HABITS.listening;
    if (habit === this.habit) return;
    this.habit = habit;
    this.fresh = true;
    this.leaves = Math.min(this.leaves, time + NOTICE);
  }

  /**
   * Where she looks at `time`, and how far her head goes along; ask with times that do not go back. `glanced` is told
   * the times of large jumps.
   * @param {number} time
   * @param {(time: number) => void} glanced
   * @returns {{look: Direction, head: Direction}} both seen from her body
   */
  at(time, glanced) {
    while (time >= this.leaves) {
      this.follow(this.leaves);
      this.jump(this.leaves, glanced);
    }
    this.follow(time);
    const share = eased((time - this.jumped) / this.lasts);
    const look = (/** @type {0 | 1} */ way) => this.from[way] + (this.to[way] - this.from[way]) * share;
    return { look: [look(0), look(1)], head: [this.head[0].at, this.head[1].at] };
  }

  /** @param {number} time */
  follow(time) {
    for (const way of /** @type {const} */ ([0, 1])) this.head[way].step(FOLLOW * this.to[way], time - this.now);
    this.now = time;
  }

  /** @param {number} time @param {(time: number) => void} glanced */
  jump(time, glanced) {
    this.from = this.to;
    const { person } = this.habit;
    this.to = this.chance() < (this.fresh ? Math.ceil(person) : person) ? TRIANGLE[Math.floor(3 * this.chance())] : this.aside();
    this.fresh = false;
    const far = Math.hypot(this.to[0] - this.from[0], this.to[1] - this.from[1]);
    this.jumped = time;
    this.lasts = JUMP + JUMP_PER_RADIAN * far;
    this.leaves = time + Math.max(this.lasts, between(this.chance, this.habit.rest));
    if (far > LARGE) glanced(time);
  }

  /** @returns {Direction} */
  aside() {
    const { reach, up } = this.habit;
    const across = (this.chance() < 0.5 ? -1 : 1) * between(this.chance, [0.4 * reach[0], reach[0]]);
    return [across, (this.chance() < up ? 1 : 2 * this.chance() - 1) * between(this.chance, [0.4 * reach[1], reach[1]])];
  }
}
