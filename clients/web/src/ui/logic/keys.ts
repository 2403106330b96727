// What a key press means, where browsers differ.

/**
 * Reports whether a key press belongs to an input method, as those for Japanese,
 * Chinese and Korean: it confirms or cancels a conversion, and is no command.
 * Safari ends the composition before the key press that confirms it, so there
 * `isComposing` is false; its key code is 229, "processed by an input method",
 * in all browsers (UI Events, "Legacy Key Attributes").
 */
export const isConversion = (event: Pick<KeyboardEvent, "isComposing" | "keyCode">): boolean => event.isComposing || event.keyCode === 229;
