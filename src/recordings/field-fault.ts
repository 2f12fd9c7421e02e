/** Says what a field of a recording has to be. Thrown and caught inside this folder only. */
export class FieldFault extends Error {}
