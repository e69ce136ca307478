// @ts-check
// Turning eyes, heads and chests of anybody's model: angles are about the scene's axes, whatever way a bone points.

import { Euler, Quaternion } from 'three';

const turn = new Quaternion();
const angles = new Euler();

/** A node that is turned away from how it stands in the file. */
export class Joint {
  /** @param {import('three').Object3D} node its parents must stand as in the file when this is made */
  constructor(node) {
    this.node = node;
    const above = node.parent?.getWorldQuaternion(new Quaternion()) ?? new Quaternion();
    this.rest = node.quaternion.clone();
    // In the parent's frame, a turn D about the scene's axes is above⁻¹ · D · above.
    this.before = above.clone().invert();
    this.after = above;
  }

  /** @param {number} pitch radians, down @param {number} yaw radians, to her left @param {number} roll radians */
  turn(pitch, yaw, roll = 0) {
    turn.setFromEuler(angles.set(pitch, yaw, roll, 'YXZ'));
    this.node.quaternion.copy(this.before).multiply(turn).multiply(this.after).multiply(this.rest);
  }
}
